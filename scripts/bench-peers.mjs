// The training step of a CIFAR ResNet (zero-padded shortcuts) or of cifar3, here and in other libraries on this machine, in
// turn: medians with their range, and how much faster ours is than each. Then the processor's own limits, measured in the
// same run, and the share of them that a step reaches. Needs `npm run build`.
//   node scripts/bench-peers.mjs [--install] [--peers pytorch,pytorch-compiled,keras,jax,onednn-loop] [--backend onednn]
//                                [--precision f32|bf16] [--model resnet|cifar3] [--depth 56] [--batch-size 128]
//                                [--threads 2] [--rounds 5] [--steps 10] [--json]
// --install puts the pinned versions of all peers into the virtual environment of scripts/venv.sh, outside the repository;
// PYTHON names another interpreter. On a GPU: --backend webgpu --torch-device cuda --peers pytorch,pytorch-compiled;
// --precision f16 is compared with bf16 there.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    install: { type: 'boolean', default: false },
    peers: { type: 'string', default: 'pytorch,pytorch-compiled,keras,jax,onednn-loop' },
    backend: { type: 'string', default: 'onednn' },
    precision: { type: 'string', default: 'f32' },
    model: { type: 'string', default: 'resnet' },
    depth: { type: 'string', default: '56' },
    'batch-size': { type: 'string', default: '128' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '10' },
    'torch-device': { type: 'string', default: 'cpu' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  const [comment] = readFileSync(new URL(import.meta.url), 'utf8').match(/^(\/\/.*\n)+/);
  console.log(comment.replaceAll(/^\/\/ ?/gm, ''));
  process.exit();
}
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const batch = Number(values['batch-size']);
const isResnet = values.model === 'resnet';
const onGpu = values['torch-device'] !== 'cpu';
const reduced = values.precision === 'f32' ? 'f32' : 'bf16'; // the peers' name for it
const threads = onGpu ? [] : ['--threads', values.threads];
const size = ['--batch-size', values['batch-size'], '--steps', values.steps, ...threads];
const depth = isResnet ? ['--depth', values.depth] : [];

const work = mkdtempSync(path.join(os.tmpdir(), 'clr-bench-'));
process.on('exit', () => rmSync(work, { recursive: true }));

const python = findPython();
const torch = ['--model', values.model, '--device', values['torch-device'], '--precision', reduced, ...depth, ...size];
const resnetOnly = isResnet ? undefined : 'its script has no cifar3';
const peers = {
  pytorch: { module: 'torch', script: 'bench-pytorch.py', args: torch },
  'pytorch-compiled': { module: 'torch', script: 'bench-pytorch.py', args: [...torch, '--compile'] },
  keras: {
    module: 'keras',
    script: 'bench-keras.py',
    args: ['--precision', reduced, ...depth, ...size],
    not: resnetOnly,
  },
  jax: { module: 'jax', script: 'bench-jax.py', args: ['--precision', reduced, ...depth, ...size], not: resnetOnly },
  'onednn-loop': { not: resnetOnly, command: oneDnnLoop },
};
const timed = new Map([['clr', { command: ours(), results: [] }]]);
const missing = [];
for (const name of values.peers.split(',')) {
  const peer = peers[name];
  if (!peer) fail(`--peers: unknown peer ${name}; known: ${Object.keys(peers).join(', ')}`);
  const { command, reason } = peer.not ? { reason: peer.not } : peer.command ? peer.command() : withPython(peer);
  if (command) timed.set(name, { command, results: [] });
  else missing.push(`${name}: ${reason}`);
}

for (let round = 1; round <= Number(values.rounds); round++) {
  for (const peer of timed.values()) peer.results.push(json(peer.command));
  const times = [...timed].map(([name, { results }]) => `${name} ${results.at(-1).median_ms.toFixed(1)} ms`);
  console.error(`round ${round}: ${times.join(', ')}`);
}
const limits = onGpu ? undefined : roofline();
if (values.json) console.log(JSON.stringify({ ...values, timed: Object.fromEntries(timed), missing, limits }));
else print();

function print() {
  const [{ results: own }] = timed.values();
  const net = isResnet ? `ResNet-${values.depth}` : values.model;
  console.log(`${net}, batch ${batch}, ${values.precision}, ${own[0].threads} threads on ${own[0].device}`);
  console.log(`${values.rounds} rounds in turn, each the median of ${values.steps} steps\n`);
  const rows = [['', 'version', 'images/s', 'range', 'ms a step', 'peak MB', 'clr is faster by', 'range']];
  for (const [name, { results }] of timed) {
    const rates = results.map(({ median_ms }) => (1000 * batch) / median_ms);
    const ratios = results.map(({ median_ms }, round) => median_ms / own[round].median_ms);
    const faster = name === 'clr' ? ['', ''] : [median(ratios).toFixed(2), range(ratios, 2)];
    const memory = Math.max(...results.map((result) => result.peak_memory_mb)).toFixed(0);
    const milliseconds = median(results.map((result) => result.median_ms)).toFixed(1);
    const version = name === 'clr' ? own[0].name : results[0].version;
    rows.push([name, version, median(rates).toFixed(0), range(rates, 0), milliseconds, memory, ...faster]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    );
  for (const line of missing) console.log(`not measured: ${line}`);
  if (!limits) return;
  const gflop = (batch * operationsPerImage()) / 1e9;
  const speed = gflop / (median(own.map(({ median_ms }) => median_ms)) / 1000);
  const peak = values.precision === 'f32' ? limits.f32_gflops : (limits.bf16_gflops ?? limits.f32_gflops);
  const { f32_gflops, bf16_gflops, copy_gbs } = limits;
  console.log(
    `\nlimits of the processor: float32 ${f32_gflops.toFixed(0)}, bfloat16 ${bf16_gflops?.toFixed(0) ?? 'not native'} GFLOP/s; copying ${copy_gbs.toFixed(1)} GB/s`,
  );
  console.log(
    `convolutions and dense layers of a step, computed directly: ${gflop.toFixed(1)} GFLOP; clr's step is ${((100 * speed) / peak).toFixed(0)} % of the peak`,
  );
}

/** Floating-point operations of a step, per image: forward, weights' gradients, and inputs' but for the first layer. */
function operationsPerImage() {
  const per = (channelsIn, channels, size, kernel = 3) => channelsIn * channels * (size * kernel) ** 2;
  if (!isResnet) return 6 * (per(32, 32, 16, 5) + per(32, 64, 8, 5) + 10240) + 4 * per(3, 32, 32, 5);
  const blocks = (Number(values.depth) - 2) / 6;
  const stage = (channels, size) => (2 * blocks - 1) * per(channels, channels, size);
  const rest = stage(16, 32) + per(16, 16, 32) + stage(32, 16) + per(16, 32, 16) + stage(64, 8) + per(32, 64, 8) + 640;
  return 6 * rest + 4 * per(3, 16, 32);
}

function ours() {
  const config = isResnet ? [] : [here('../configs/cifar3-paper-clr-momentum-0.95-0.85.json')];
  const flags = ['--backend', values.backend, '--precision', values.precision, ...depth, ...size];
  return [process.execPath, here('../bin/clr.js'), 'bench', '--json', ...config, ...flags];
}

function withPython({ module, script, args }) {
  const { status } = spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
  if (status !== 0) return { reason: `${python} has no ${module} (--install)` };
  return { command: [python, here(script), ...args] };
}

/** Only oneDNN's primitives, compiled against the library that the onednn backend uses. */
function oneDnnLoop() {
  const program = compiled('bench-onednn.cc', ['-O2'], ['-ldnnl']);
  if (!program) return { reason: 'bench-onednn.cc does not compile (it needs g++ and libdnnl-dev)' };
  return {
    command: ['env', `OMP_NUM_THREADS=${values.threads}`, program, values.depth, String(batch), reduced, values.steps],
  };
}

function roofline() {
  const program = compiled('bench-roofline.cc', ['-O3', '-march=native'], ['-pthread']);
  return program && json([program, values.threads]);
}

function compiled(source, flags, libraries) {
  const program = path.join(work, path.basename(source, '.cc'));
  const { status } = spawnSync('g++', ['-std=c++17', ...flags, here(source), ...libraries, '-o', program], {
    stdio: 'ignore',
  });
  return status === 0 ? program : undefined;
}

function findPython() {
  if (process.env.PYTHON) return process.env.PYTHON;
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  const found = path.join(process.env.CLR_PEERS || path.join(cache, 'clr', 'peers'), 'bin/python');
  if (values.install) {
    install('sh', [here('venv.sh')]);
    const pinned = ['--no-deps', '--require-hashes', '--only-binary=:all:', '-r', here('bench-requirements.txt')];
    install(found, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...pinned]);
  }
  return found;
}

function install(command, args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) fail(`${command} ${args.join(' ')} failed`);
}

function json([command, ...args]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr}`);
  return JSON.parse(stdout);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function range(numbers, digits) {
  return `${Math.min(...numbers).toFixed(digits)}-${Math.max(...numbers).toFixed(digits)}`;
}
