// Measures a training step and a validation batch of a ResNet on the webgpu backend: processor time (of all threads),
// dispatches and submits.
//   node scripts/webgpu-step.mjs [DEVICE] [BATCH] [DEPTH] [PRECISION]
// DEVICE: `null` (dawn's own, which computes nothing; the default) or a part of an adapter's name. Other defaults: 16
// images, since the null device has little memory (any batch takes the same dispatches); 56 layers; f32.
import { registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { create, globals } from 'webgpu';
import { registerHostKernels } from '../dist/backends/host.js';
import { WebgpuBackend } from '../dist/backends/webgpu/backend.js';
import { dawnOptions, findAdapter, openDevice } from '../dist/backends/webgpu/gpu.js';
import { kernels } from '../dist/backends/webgpu/kernels/index.js';
import { repeater } from '../dist/backends/webgpu/repeater.js';
import { configSchema } from '../dist/config/schema.js';
import { readMetrics, score } from '../dist/training/evaluate.js';
import { prepareTraining } from '../dist/training/prepare.js';
import { trainStep } from '../dist/training/train.js';

const [name = 'null', batchSize = 16, depth = 56, precision = 'f32'] = process.argv.slice(2);
Object.assign(globalThis, globals);
const dawn = create(['backend=null', ...dawnOptions()]); // a constant: if collected, it would take the device along
const backend = new WebgpuBackend(
  await openDevice(name === 'null' ? await dawn.requestAdapter() : await findAdapter(name)),
);
registerBackend('webgpu', () => backend);
registerHostKernels('webgpu', backend, kernels);
await setBackend('webgpu');
backend.activationFormat = precision;

const config = configSchema.parse({
  batch_size: Number(batchSize),
  dataset: { type: 'synthetic' },
  model: { type: 'resnet', depth: Number(depth) },
  augmentation: { flip: true, crop: { pad: 4 } },
  schedule: { type: 'constant', lr: 0.1 },
});
const split = { images: new Uint8Array(batchSize * 3072).map((_, i) => i), labels: new Uint8Array(batchSize) };
const dataset = { imageShape: [32, 32, 3], classNames: [...'0123456789'], train: split, validation: split };
const training = prepareTraining(config, dataset, { repeater: () => repeater(backend) });
const inFlight = [];
async function read(metrics, size) {
  inFlight.push(readMetrics(metrics, size));
  if (inFlight.length > 4) await inFlight.shift();
}
const works = {
  'a step'() {
    const [batch] = training.trainingBatches(0, 0);
    return read(trainStep(training, batch, { lr: 0.01, momentum: 0.9 }), batch.size);
  },
  'a validation batch'() {
    const [batch] = training.validationBatches(0);
    return read(score(training.model, batch, training.repeatValidation), batch.size);
  },
};

/** Wall and processor time of `work` in milliseconds: means of `count` calls. */
async function time(work, count) {
  const [started, used] = [performance.now(), process.cpuUsage()];
  for (let i = 0; i < count; i++) await work();
  const { user, system } = process.cpuUsage(used);
  return { wall_ms: (performance.now() - started) / count, processor_ms: (user + system) / 1000 / count };
}

const counts = { dispatches: 0, submits: 0 };
const count = (object, method, key) => {
  const original = object[method];
  object[method] = function (...values) {
    counts[key]++;
    return original.apply(this, values);
  };
};
count(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches');
count(GPUQueue.prototype, 'submit', 'submits');

console.log(`${backend.gpu.name || name}, ${precision}, batch ${batchSize}, depth ${depth}`);
for (const [what, work] of Object.entries(works)) {
  const first = await time(work, 1);
  await time(work, name === 'null' ? 20 : 3);
  Object.assign(counts, { dispatches: 0, submits: 0 });
  await time(work, 2);
  const each = { dispatches: counts.dispatches / 2, submits: counts.submits / 2 };
  const runs = [];
  for (let k = 0; k < 5; k++) runs.push(await time(work, name === 'null' ? 60 : 3));
  const median = (key) =>
    runs
      .map((run) => run[key])
      .sort((a, b) => a - b)[2]
      .toFixed(2);
  const times = `${median('processor_ms')} ms processor time, ${median('wall_ms')} ms wall`;
  console.log(
    `${what}: ${times}, ${each.dispatches} dispatches, ${each.submits} submits; the first ${first.wall_ms.toFixed(0)} ms`,
  );
}
process.exit(0);
