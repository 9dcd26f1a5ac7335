// Makes one archive that runs without Node or a network: node itself, the program as one file, the native parts.
//   node scripts/pack-portable.mjs [clr-portable.tar.xz]        .tar.gz: for hosts without xz; lacks the onednn backend
// Paths inside are those of a checkout, so that the program finds its files in the same way.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const limit = 60e6; // bytes
const target = `${process.platform}-${process.arch}`;
const archive = resolve(process.argv[2] ?? 'clr-portable.tar.xz');
const compressors = { '.tar.xz': 'xz -1 -T0', '.tar.gz': 'gzip -9' }; // xz -6: a tenth smaller, many times slower
const kind = Object.keys(compressors).find((ending) => archive.endsWith(ending));
if (!kind || process.platform !== 'linux') {
  console.error(
    `pack-portable: cannot make ${archive} on ${target}, only ${Object.keys(compressors).join(' or ')} on Linux`,
  );
  process.exit(2);
}

const launcher = `#!/bin/sh
# Starts the program with the node and the libraries beside this file.
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib"
exec "$here/node" "$here/bin/clr.js" "$@"
`;

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const work = mkdtempSync(join(tmpdir(), 'clr-portable-'));
const out = join(work, 'clr-portable');
const vulkanLoader = findVulkanLoader();
try {
  await bundle();
  for (const path of ['bin', 'configs', 'dist/browser', 'src/charts/fonts', 'README.md', 'CHANGELOG.md']) copy(path);
  copy('scripts/gpu-session.sh');
  copy('scripts/bench-pytorch.py');
  copy('scripts/webgpu-adapter.mjs');
  copyNode();
  writeFileSync(join(out, 'clr'), launcher, { mode: 0o755 });
  copyPackage('sharp');
  for (const part of ['package.json', 'index.js', 'LICENSE.md', `dist/${target}`]) copy(`node_modules/webgpu/${part}`);
  copyVulkanLoader();
  if (kind === '.tar.xz' && existsSync('build/Release/onednn.node')) copyAddon();
  writeManifest();
  pack();
} finally {
  rmSync(work, { recursive: true });
}

function copy(from, to = from) {
  cpSync(from, join(out, to), { recursive: true, dereference: true });
}

/**
 * Bundles dist/cli.js and the search for a GPU, each with the packages it needs; copies what they load by name, and the
 * packages' manifests (for their versions) and licences.
 */
async function bundle() {
  const { metafile, warnings } = await build({
    entryPoints: ['src/cli.ts', 'src/backends/webgpu/search-process.ts'],
    outdir: join(out, 'dist'),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['sharp', 'webgpu'], // native
    ignoreAnnotations: true, // "sideEffects" of tfjs's backends is wrong: it lacks the files that register kernels
    banner: {
      js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url), __dirname = import.meta.dirname;",
    },
    metafile: true,
  });
  if (warnings.length > 0) throw new Error(`esbuild: ${warnings.length} warnings, see above`);
  const wasm = 'tfjs-backend-wasm-simd.wasm'; // the one that tfjs loads in Node if the processor has SIMD
  copy(`node_modules/@tensorflow/tfjs-backend-wasm/dist/${wasm}`, `dist/${wasm}`);
  const packages = Object.keys(metafile.inputs).map((file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
  for (const folder of new Set(packages.filter(Boolean)))
    for (const file of ['package.json', 'LICENSE', 'LICENSE.md', 'LICENSE.txt'])
      if (existsSync(join(folder, file))) copy(join(folder, file));
}

function copyNode() {
  copy(process.execPath, 'node');
  const { error } = spawnSync('strip', [join(out, 'node')]);
  if (error) console.log('node is packed with its symbols: strip was not found');
}

/** Copies an installed package and its dependencies. */
function copyPackage(name) {
  const folder = `node_modules/${name}`;
  if (!existsSync(folder) || existsSync(join(out, folder))) return; // npm installs only this platform's optional ones
  copy(folder);
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) copyPackage(dependency);
}

function findVulkanLoader() {
  const known = execFileSync(process.env.LDCONFIG ?? '/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  const path = known.match(/libvulkan\.so\.1 \(libc6[^)]*\) => (\S+)/)?.[1];
  if (path) return path;
  console.error(
    'no libvulkan.so.1 to pack, and GPU hosts often lack it. Debian and Ubuntu: apt-get install libvulkan1',
  );
  process.exit(1);
}

/** dawn needs it, and a GPU's driver comes without it. */
function copyVulkanLoader() {
  copyLibrary('libvulkan.so.1', vulkanLoader);
}

/** Copies the onednn addon with its libraries, except those that come with every C++ runtime. */
function copyAddon() {
  const addon = 'build/Release/onednn.node';
  copy(addon);
  const everywhere = /^(linux-vdso|ld-linux|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s)[.-]/;
  for (const [, name, path] of execFileSync('ldd', [addon], { encoding: 'utf8' }).matchAll(/(\S+) => (\/\S+)/g))
    if (!everywhere.test(name)) copyLibrary(name, path);
}

function copyLibrary(name, path) {
  copy(path, `lib/${name}`);
  const owner = execFileSync('dpkg-query', ['-S', realpathSync(path)], { encoding: 'utf8' }).split(':')[0];
  copy(`/usr/share/doc/${owner}/copyright`, `lib/${name}.copyright`);
}

/** Writes what the program reads from its package.json, and the commit that a run records. */
function writeManifest() {
  const { name, version, type } = JSON.parse(readFileSync('package.json', 'utf8'));
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const state = { commit: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain').length > 0 };
  writeFileSync(join(out, 'package.json'), `${JSON.stringify({ name, version, type, git: state }, null, 2)}\n`);
}

function pack() {
  mkdirSync(dirname(archive), { recursive: true });
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
  execFileSync('tar', [...owner, '-I', compressors[kind], '-cf', archive, '-C', work, 'clr-portable'], {
    stdio: 'inherit',
  });
  const { size } = statSync(archive);
  console.log(`${archive}: ${(size / 1e6).toFixed(1)} MB`);
  if (size <= limit) return;
  console.error(`pack-portable: over ${limit / 1e6} MB`);
  process.exitCode = 1;
}
