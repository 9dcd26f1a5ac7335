// The N-API binding of @tensorflow/tfjs-node-gpu, compiled against a TensorFlow library.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const root = here('../..');
const require = createRequire(import.meta.url);
const name = '@tensorflow/tfjs-node-gpu';

/** Uses `--ignore-scripts`: the install step would download another TensorFlow, unchecked. Returns the folder. */
export function installPackage(version, say) {
  const folder = path.join(root, 'node_modules', name);
  if (installed(folder) === version) return folder;
  say(`npm install ${name}@${version}, without its install step (about 45 MB)`);
  const flags = ['--save-prod', '--no-save', '--ignore-scripts', '--loglevel=error', '--fetch-retries=1'];
  const { status, stderr } = spawnSync('npm', ['install', ...flags, `${name}@${version}`], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`npm could not install ${name}: ${npmReason(stderr ?? '')}`);
  return folder;
}

function installed(folder) {
  const manifest = path.join(folder, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

function npmReason(output) {
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, ''));
  if (/ENOSPC/.test(output)) return 'the disk is full';
  const patterns = [/request to/, /ECONN|ENOTFOUND|network/, /./];
  return patterns.map((pattern) => lines.find((line) => pattern.test(line))).find(Boolean) ?? 'no message';
}

/** The compiler; throws if there is none. */
export function checkCompiler() {
  const compiler = process.env.CXX || 'g++';
  if (spawnSync(compiler, ['--version']).status !== 0)
    throw new Error(`no C++ compiler (${compiler}), which the binding needs: apt-get install g++`);
  return compiler;
}

/** Compiles the binding, log.node and graph.node into `target`, for the library in `tensorflow`, found by `runPath`. */
export function compile({ compiler, packageFolder, tensorflow, runPath, target }) {
  const libraries = ['cc', 'framework'].map((part) => path.join(tensorflow, `libtensorflow_${part}.so.2`));
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => path.join(packageFolder, 'binding', file));
  const include = [nodeHeaders(), packageFolder, path.join(packageFolder, 'binding'), path.join(tensorflow, 'include')];
  const flags = [
    '-O2',
    '-std=c++17',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    ...include.map((folder) => `-I${folder}`),
  ];
  const link = [...libraries, `-Wl,-rpath,${runPath}`];
  const own = [here('silence.cc'), here('context.cc'), '-Wl,--wrap=TFE_NewContext'];
  build(compiler, [...flags, ...sources, ...own, ...link], path.join(target, 'tfjs_binding.node'));
  const toBinding = [`-L${target}`, '-l:tfjs_binding.node', '-Wl,-rpath,$ORIGIN'];
  build(compiler, [...flags, here('graph.cc'), ...toBinding, ...link], path.join(target, 'graph.node'));
  build(compiler, [...flags, here('log.cc')], path.join(target, 'log.node'));
}

function build(compiler, args, file) {
  const { status, stderr } = spawnSync(compiler, [...args, '-o', `${file}.new`], { encoding: 'utf8' });
  if (status === 0) return renameSync(`${file}.new`, file);
  rmSync(`${file}.new`, { force: true });
  const reason = stderr.split('\n').find((line) => /error|No space/i.test(line)) ?? stderr.trim();
  throw new Error(`${compiler} could not build ${path.basename(file)}: ${reason}`);
}

/** The headers of this Node: those beside it, or else node-gyp downloads them. */
function nodeHeaders() {
  const beside = path.join(path.dirname(process.execPath), '../include/node');
  if (existsSync(path.join(beside, 'node_api.h'))) return beside;
  const cache = path.join(root, 'build/node-headers');
  const gyp = require.resolve('node-gyp/bin/node-gyp.js');
  const { status } = spawnSync(process.execPath, [gyp, 'install', '--ensure', '--devdir', cache], { stdio: 'ignore' });
  if (status === 0) return path.join(cache, process.versions.node, 'include/node');
  throw new Error(`the headers of Node ${process.version} are not beside it, and node-gyp could not download them`);
}

/** Puts a link to the binding where the package looks for its own. */
export function link(packageFolder, target) {
  const { find } = createRequire(path.join(packageFolder, 'package.json'))('@mapbox/node-pre-gyp');
  const place = find(path.join(packageFolder, 'package.json'));
  mkdirSync(path.dirname(place), { recursive: true });
  rmSync(place, { force: true });
  symlinkSync(path.join(target, 'tfjs_binding.node'), place);
}

/** Multiplies two matrices in a separate process; returns TensorFlow's version. */
export function tryBinding(packageFolder) {
  const program = `
    const tf = require(${JSON.stringify(packageFolder)});
    const [sum] = tf.matMul([[1, 2]], [[3], [4]]).dataSync();
    if (sum !== 11) throw new Error('1*3 + 2*4 is ' + sum);
    process.stdout.write(tf.backend().binding.TF_Version);`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '-1' };
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env });
  if (status === 0) return stdout;
  const reason =
    stderr.split('\n').find((line) => /^\w*Error/.test(line)) ?? signal ?? stderr.trim().split('\n').at(-1);
  throw new Error(`the binding was built but does not work: ${reason}`);
}

/** Writes the record of what was made, which the backend reads and the next set-up compares. */
export function writeRecord(target, record) {
  writeFileSync(path.join(target, 'clr.json.new'), `${JSON.stringify(record, null, 2)}\n`);
  renameSync(path.join(target, 'clr.json.new'), path.join(target, 'clr.json'));
}
