/// <reference types="@webgpu/types" />
import { engine, findBackend, registerBackend, removeBackend, setBackend, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test, vi } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { score } from '../../training/evaluate.js';
import { prepareTraining } from '../../training/prepare.js';
import { oneOfEachSize, type Training, trainStep } from '../../training/train.js';
import { registerHostKernels } from '../host.js';
import { WebgpuBackend } from './backend.js';
import type { Dispatch } from './commands.js';
import { kernels } from './kernels/index.js';
import { repeater } from './repeater.js';

/** How many objects a GPU that computes nothing was asked to make. */
const created = { buffers: 0, bindGroups: 0, pipelines: 0, compiling: 0, submits: 0 };

const idleDevice = {
  limits: { maxStorageBufferBindingSize: 2 ** 27, maxStorageBuffersPerShaderStage: 8 },
  lost: new Promise(() => {}),
  destroy() {},
  queue: { submit: () => void created.submits++, writeBuffer() {} },
  createBuffer({ size }: GPUBufferDescriptor) {
    created.buffers++;
    return { size, destroy() {} };
  },
  createBindGroup: () => ++created.bindGroups,
  createShaderModule: () => ({}),
  createComputePipeline() {
    created.pipelines++;
    return { getBindGroupLayout() {} };
  },
  async createComputePipelineAsync() {
    created.compiling++;
    await new Promise(setImmediate);
    return { getBindGroupLayout() {} };
  },
  createCommandEncoder: () => ({
    beginComputePass: () => ({ setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} }),
    copyBufferToBuffer() {},
    finish() {},
  }),
};

const step = { lr: 0.1, momentum: 0.9 };
const backend = () =>
  new WebgpuBackend({
    device: idleDevice as unknown as GPUDevice,
    info: {} as GPUAdapterInfo,
    name: 'idle',
    software: false,
  });
const config = configSchema.parse({
  batch_size: 512,
  dataset: { type: 'synthetic' },
  model: { type: 'resnet', depth: 56 },
  augmentation: { flip: true, crop: { pad: 4 } },
  schedule: { type: 'constant', lr: 0.1 },
});
const split = { images: new Uint8Array(512 * 3072).map((_, i) => i), labels: new Uint8Array(512) };
const dataset = {
  imageShape: [32, 32, 3] as [number, number, number],
  classNames: [...'0123456789'],
  train: split,
  validation: split,
};

/** Makes a new backend the current one. */
async function activate(): Promise<WebgpuBackend> {
  if (findBackend('webgpu')) removeBackend('webgpu');
  const gpu = backend();
  registerBackend('webgpu', () => gpu);
  registerHostKernels('webgpu', gpu, kernels);
  await setBackend('webgpu');
  return gpu;
}

function takeStep(training: Training): void {
  const [batch] = training.trainingBatches(0, 0);
  trainStep(training, batch!, step).dispose();
}

/** What is made while `work` runs. */
function createdBy(work: () => void): typeof created {
  const before = { ...created };
  work();
  const later = { ...created };
  for (const key of Object.keys(created) as (keyof typeof created)[]) later[key] -= before[key];
  return later;
}

let gpu: WebgpuBackend;
let dispatches: Dispatch[];
let createdLater: typeof created;

beforeAll(async () => {
  Object.assign(globalThis, {
    GPUBufferUsage: { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 },
  });
  gpu = await activate();
  const training = prepareTraining(config, dataset);
  gpu.commands.observer = (dispatch) => void dispatches.push(dispatch);
  const take = () => {
    dispatches = [];
    takeStep(training);
  };
  for (let k = 0; k < 4; k++) take();
  createdLater = createdBy(() => {
    for (let k = 0; k < 3; k++) take();
  });
});

test('a step of ResNet-56 at batch 512 takes 525 dispatches', () => {
  expect(dispatches).toHaveLength(525);
});

test('every dispatch with a million multiply-adds has work for 4,096 threads', () => {
  const large = dispatches.filter(({ multiplyAdds }) => multiplyAdds > 1e6);
  expect(large.length).toBeGreaterThan(300);
  expect(Math.min(...large.map(({ invocations }) => invocations))).toBeGreaterThanOrEqual(4096);
});

test("the multiply-adds of the convolutions are three times the net's", () => {
  const convolutions = dispatches.filter(({ name }) => /^Conv2D(?!BackpropFilter.sum)/.test(name));
  const perImage = convolutions.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0) / 512;
  const stem = 32 * 32 * 27 * 16; // nobody needs its input gradient
  const stages = 18 * 32 * 32 * 9 * 16 * 16 + 2 * 17.5 * 16 * 16 * 9 * 32 * 32; // a stage starts with half the channels
  expect(perImage).toBe(3 * (stem + stages) - stem);
});

test('after four steps no new buffer, bind group or pipeline is made', () => {
  expect(createdLater).toMatchObject({ buffers: 0, bindGroups: 0, pipelines: 0 });
});

const summaryOf = ({ name, regions, workgroups }: Dispatch) => ({
  name,
  workgroups,
  offsets: regions.map(({ offset, size }) => [offset, size]),
});

test('from the second on, a step is replayed: same dispatches, 3 submits, kernels only for batch and update', () => {
  const training = prepareTraining(config, dataset, { repeater: () => repeater(gpu) });
  dispatches = [];
  takeStep(training);
  const first = dispatches.map(summaryOf);
  dispatches = [];
  const runKernel = vi.spyOn(engine(), 'runKernel');
  const { submits } = createdBy(() => takeStep(training));
  expect(runKernel.mock.calls.map(([kernel]) => kernel)).toEqual(['AssembleBatch', 'SgdUpdate']);
  runKernel.mockRestore();
  expect(dispatches.map(summaryOf)).toEqual(first);
  expect(first).toHaveLength(525);
  expect(submits).toBe(3);
});

test('from the second batch on, validation is replayed: the same dispatches, a kernel only for the batch', () => {
  const { model, validationBatches, repeatValidation } = prepareTraining(config, dataset, {
    repeater: () => repeater(gpu),
  });
  const take = () => {
    dispatches = [];
    const [batch] = validationBatches(0);
    score(model, batch!, repeatValidation).dispose();
    return dispatches.map(summaryOf);
  };
  const first = take();
  const runKernel = vi.spyOn(engine(), 'runKernel');
  expect(take()).toEqual(first);
  expect(runKernel.mock.calls.map(([kernel]) => kernel)).toEqual(['AssembleBatch']);
  runKernel.mockRestore();
});

test('a step is not replayed while its memory is in use, but is once that is free again', () => {
  const { repeat, ...training } = prepareTraining(config, dataset, { repeater: () => repeater(gpu) });
  let worked = 0;
  const take = () => {
    const counted: typeof repeat = (used, work) => repeat!(used, () => [worked++, ...work()].slice(1) as Tensor[]);
    const [batch] = training.trainingBatches(0, 0);
    return trainStep({ ...training, repeat: counted }, batch!, step);
  };
  const held = take();
  expect(worked).toBe(1);
  take().dispose();
  expect(worked).toBe(2);
  held.dispose();
  take().dispose();
  expect(worked).toBe(2);
});

test('a warm-up compiles the pipelines of all batch sizes concurrently; later steps need no others', async () => {
  const warm = await activate();
  const odd = { images: split.images.slice(0, 300 * 3072), labels: new Uint8Array(300) };
  const sizes = configSchema.parse({ ...config, batch_size: 200 });
  const training = prepareTraining(sizes, { ...dataset, train: odd, validation: odd });
  const before = created.compiling;
  const done = warm.warmUp(() => oneOfEachSize(training));
  expect(created.compiling - before).toBeGreaterThan(80); // while none is done yet
  await done;
  const needed = createdBy(() => {
    for (const b of [0, 1]) {
      const [batch] = training.trainingBatches(0, b);
      trainStep(training, batch!, step).dispose();
    }
    for (const batch of training.validationBatches(0)) score(training.model, batch).dispose();
  });
  expect(needed).toMatchObject({ pipelines: 0, compiling: 0 });
});
