// Sets up the tensorflow backend: @tensorflow/tfjs-node-gpu, TensorFlow's C library from PyPI's wheel, the binding
// between them. Can be run again at any time: does only what is missing, and says so.
//   npm run setup:tensorflow                            the processor
//   npm run setup:tensorflow -- --gpu                   with CUDA 12, cuDNN 9, like `pip install tensorflow[and-cuda]`
//   npm run setup:tensorflow -- --gpu --system-cuda     the CUDA libraries that the machine has
//   CLR_TENSORFLOW=<folder> npm run setup:tensorflow    an installed TensorFlow, e.g. .../site-packages/tensorflow
// CLR_CACHE names the cache (default ~/.cache/clr), PYTHON the Python whose pip downloads, CXX the compiler.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkCompiler, compile, installPackage, link, tryBinding, writeRecord } from './binding.mjs';
import { addWheels, wheelsOf } from './wheels.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const say = (message) => console.error(`setup:tensorflow: ${message}`);

try {
  setUp(readOptions());
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

function readOptions() {
  const { values } = parseArgs({ options: { gpu: { type: 'boolean' }, 'system-cuda': { type: 'boolean' } } });
  if (values['system-cuda'] && !values.gpu) throw new Error('--system-cuda needs --gpu');
  if (process.platform !== 'linux') throw new Error('only Linux is supported');
  return values;
}

function setUp(options) {
  const own = process.env.CLR_TENSORFLOW;
  const { kind, wheels, target } = own ? fromUser(own) : fromWheels(options);
  const tensorflow = own ? path.resolve(own) : path.join(target, 'tensorflow');
  const compiler = checkCompiler();
  if (own) checkLibrary(tensorflow);
  else addWheels(wheels, target, say);
  const version = JSON.parse(readFileSync(here('../../package.json'), 'utf8')).peerDependencies[
    '@tensorflow/tfjs-node-gpu'
  ];
  const packageFolder = installPackage(version, say);
  const inputs = {
    package: version,
    kind,
    sources: ['context.cc', 'graph.cc', 'log.cc', 'silence.cc', 'binding.mjs'].map((file) => hash(here(file))).join(),
    library: fingerprint(tensorflow),
  };
  if (isDone(inputs, packageFolder, target)) return say(`TensorFlow is set up in ${target}`);
  mkdirSync(target, { recursive: true });
  say('compiling the binding');
  compile({ compiler, packageFolder, tensorflow, runPath: own ? tensorflow : '$ORIGIN/tensorflow', target });
  link(packageFolder, target);
  const works = tryBinding(packageFolder);
  writeRecord(target, { ...inputs, tensorflow });
  say(`TensorFlow ${works} works: clr run ... --backend tensorflow`);
}

function fromWheels({ gpu, 'system-cuda': systemCuda }) {
  const kind = gpu ? 'gpu' : 'cpu';
  const files = gpu ? ['gpu.txt', ...(systemCuda ? [] : ['cuda.txt'])] : ['cpu.txt'];
  const wheels = wheelsOf(files);
  return {
    kind,
    wheels,
    target: path.join(cache(), `${kind}${systemCuda ? '-system-cuda' : ''}-${wheels[0].version}`),
  };
}

function fromUser(folder) {
  return { kind: 'own', wheels: [], target: path.join(cache(), `own-${sha256(path.resolve(folder)).slice(0, 8)}`) };
}

function cache() {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(path.resolve(process.env.CLR_CACHE || path.join(base, 'clr')), 'tensorflow');
}

function checkLibrary(folder) {
  const needed = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/eager/c_api.h'];
  const missing = needed.find((file) => !existsSync(path.join(folder, file)));
  if (missing) throw new Error(`CLR_TENSORFLOW: ${folder} is not a TensorFlow package: it lacks ${missing}`);
}

function isDone(inputs, packageFolder, target) {
  const record = path.join(target, 'clr.json');
  if (![record, 'tfjs_binding.node', 'graph.node', 'log.node'].every((file) => existsSync(path.resolve(target, file))))
    return false;
  const { tensorflow: _, ...recorded } = JSON.parse(readFileSync(record, 'utf8'));
  if (JSON.stringify(recorded) !== JSON.stringify(inputs)) return false;
  link(packageFolder, target);
  return true;
}

/** Identifies the library that the binding is made for, which may be replaced. */
function fingerprint(tensorflow) {
  const { size, mtimeMs } = statSync(path.join(tensorflow, 'libtensorflow_cc.so.2'));
  return `${size} ${mtimeMs}`;
}

function hash(file) {
  return sha256(readFileSync(file));
}

function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}
