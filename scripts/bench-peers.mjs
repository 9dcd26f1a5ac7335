// The training step of ResNet-56 (zero-padded shortcuts, batch 128) or of cifar3 here and in PyTorch, or of
// ResNet-56 in Keras, on this machine, in turn: both medians and their ratio. Needs `npm run build` and a Python with torch (`sh scripts/venv.sh`; PYTHON names another), or one
// with the TensorFlow that the backend uses (`python3 -m venv keras; keras/bin/pip install tensorflow-cpu==2.21.0`).
//   node scripts/bench-peers.mjs [--peer pytorch] [--backend onednn] [--precision f32]
//                                  [--model resnet|cifar3] [--depth 56] [--batch-size 128] [--threads 2]
//                                  [--rounds 5] [--steps 10]
// On a GPU: --backend webgpu --torch-device cuda [--torch-compile]; --precision f16 is compared with PyTorch's bf16 autocast.
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    peer: { type: 'string', default: 'pytorch' },
    backend: { type: 'string', default: 'onednn' },
    precision: { type: 'string', default: 'f32' },
    model: { type: 'string', default: 'resnet' },
    depth: { type: 'string', default: '56' },
    'batch-size': { type: 'string', default: '128' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '10' },
    'torch-device': { type: 'string', default: 'cpu' },
    'torch-compile': { type: 'boolean', default: false },
  },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const onGpu = values['torch-device'] !== 'cpu';
const common = [...(values.model === 'resnet' ? ['depth'] : []), 'batch-size', 'steps', ...(onGpu ? [] : ['threads'])];
const flags = common.flatMap((name) => [`--${name}`, values[name]]);
const config = { resnet: [], cifar3: [here('../configs/cifar3-paper-clr-momentum-0.95-0.85.json')] }[values.model];
const ourFlags = [...config, '--backend', values.backend, '--precision', values.precision, ...flags];
const torchPrecision = values.precision === 'f32' ? 'f32' : 'bf16';
const compile = values['torch-compile'] ? ['--compile'] : [];
const pytorch = [
  'bench-pytorch.py',
  ...['--model', values.model, '--device', values['torch-device'], '--precision', torchPrecision, ...compile],
];
const peers = {
  pytorch: { label: 'PyTorch', module: 'torch', command: pytorch },
  keras: { label: 'Keras', module: 'keras', command: ['bench-keras.py'] },
};
const { label, module, command } = peers[values.peer] ?? fail(`--peer: ${Object.keys(peers).join(' or ')}`);

const python = findPython();
const ours = [];
const theirs = [];
for (let round = 1; round <= Number(values.rounds); round++) {
  ours.push(child(process.execPath, [here('../bin/clr.js'), 'bench', '--json', ...ourFlags]));
  theirs.push(child(python, [here(command[0]), ...command.slice(1), ...flags]));
  console.log(`round ${round}: ours ${rate(ours.slice(-1))}, ${label} ${rate(theirs.slice(-1))}`);
}
const { name, device, precision, threads, batch_size } = ours[0];
console.log(
  `\n${name} on ${device}, ${precision}, threads ${threads}, batch ${batch_size}; ${label} ${theirs[0].version}`,
);
console.log(`ours    ${rate(ours)}, peak memory ${peak(ours)} MB`);
console.log(`${label.padEnd(7)} ${rate(theirs)}, peak memory ${peak(theirs)} MB`);
const ratios = ours.map((own, round) => theirs[round].median_ms / own.median_ms);
console.log(`ratio   ${median(ratios).toFixed(2)} (rounds ${ratios.map((ratio) => ratio.toFixed(2)).join(' ')})`);

function findPython() {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  const venv = process.env.CLR_PEERS || path.join(cache, 'clr', 'peers');
  const candidates = process.env.PYTHON ? [process.env.PYTHON] : [path.join(venv, 'bin/python'), 'python3'];
  const found = candidates.find((candidate) => spawnSync(candidate, ['-c', `import ${module}`]).status === 0);
  if (found) return found;
  return fail(`No ${module} for ${candidates.join(' or ')}: sh scripts/venv.sh installs PyTorch; or set PYTHON.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function child(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr}`);
  return JSON.parse(stdout);
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function rate(results) {
  const middle = median(results.map((r) => r.median_ms));
  return `${((1000 * Number(values['batch-size'])) / middle).toFixed(1)} images/s (${middle.toFixed(0)} ms)`;
}

function peak(results) {
  return Math.max(...results.map((r) => r.peak_memory_mb)).toFixed(0);
}
