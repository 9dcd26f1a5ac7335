// Builds the oneDNN addon into build/Release/onednn.node if its sources are newer. If it can't be built, prints one
// line that says why and what to do; exits with 0 even then, unless `--required` is given or CLR_REQUIRE names onednn.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const native = join(root, 'src/backends/onednn/native');
const addon = join(root, 'build/Release/onednn.node');

if (!upToDate()) {
  const problem = missing() ?? build();
  if (problem) {
    console.error(`The oneDNN backend was not built: ${problem}`);
    const required = process.argv.includes('--required') || process.env.CLR_REQUIRE?.split(',').includes('onednn');
    process.exitCode = required ? 1 : 0;
  }
}

function upToDate() {
  if (!existsSync(addon)) return false;
  const sources = readdirSync(native, { withFileTypes: true }).filter((entry) => entry.isFile());
  return sources.every(({ name }) => statSync(join(native, name)).mtimeMs < statSync(addon).mtimeMs);
}

function missing() {
  if (process.platform !== 'linux') return 'it needs Linux; `clr` runs without it, more slowly.';
  const compiler = process.env.CXX ?? 'g++';
  const test = spawnSync(compiler, ['-fsyntax-only', '-x', 'c++', '-'], {
    input: '#include <dnnl.hpp>\n',
    encoding: 'utf8',
  });
  if (test.error) return `no C++ compiler (${compiler}). Debian and Ubuntu: apt-get install g++ make python3`;
  if (test.status !== 0) return 'dnnl.hpp was not found. Debian and Ubuntu: apt-get install libdnnl-dev';
  return undefined;
}

function build() {
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const prefix = join(dirname(process.execPath), '..');
  const headers = existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : []; // or downloads
  const outcome = spawnSync(process.execPath, [nodeGyp, 'rebuild', '-C', native, ...headers], { encoding: 'utf8' });
  const result = join(native, 'build/Release/onednn.node');
  if (outcome.status !== 0 || !existsSync(result)) {
    process.stderr.write(`${outcome.stdout ?? ''}${outcome.stderr ?? ''}`);
    return 'node-gyp failed, see above. It needs g++, make, python3 and libdnnl-dev (apt-get install), and the headers of Node.';
  }
  mkdirSync(dirname(addon), { recursive: true });
  copyFileSync(result, `${addon}.new`);
  renameSync(`${addon}.new`, addon); // atomic, so that a process never loads half a file
  console.log('built build/Release/onednn.node');
  return undefined;
}
