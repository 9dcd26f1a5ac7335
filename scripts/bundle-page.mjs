// The browser's side of `clr watch` and `clr report`: one script and one style sheet, in dist/browser/.
import { build } from 'esbuild';

await build({
  entryPoints: { page: 'src/page/browser/app.ts', style: 'src/page/browser/style.css' },
  outdir: 'dist/browser',
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  legalComments: 'none',
  logLevel: 'warning',
});
