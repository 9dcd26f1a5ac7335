/// <reference types="@webgpu/types" />
import { registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { prepareTraining } from '../../training/prepare.js';
import { trainStep } from '../../training/train.js';
import { registerHostKernels } from '../host.js';
import { WebgpuBackend } from './backend.js';
import type { Dispatch } from './commands.js';
import { kernels } from './kernels/index.js';

/** How often a GPU that computes nothing was asked to make something. */
const made = { buffers: 0, bindGroups: 0, pipelines: 0 };

const idleDevice = {
  limits: { maxStorageBufferBindingSize: 2 ** 27 },
  lost: new Promise(() => {}),
  queue: { submit() {}, writeBuffer() {} },
  createBuffer({ size }: GPUBufferDescriptor) {
    made.buffers++;
    return { size, destroy() {} };
  },
  createBindGroup: () => ++made.bindGroups,
  createShaderModule: () => ({}),
  createComputePipeline() {
    made.pipelines++;
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

let dispatches: Dispatch[];
let madeLater: typeof made;

beforeAll(async () => {
  Object.assign(globalThis, {
    GPUBufferUsage: { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 },
  });
  const gpu = backend();
  registerBackend('webgpu', () => gpu);
  registerHostKernels('webgpu', gpu, kernels);
  await setBackend('webgpu');
  const { model, optimizer, trainingBatches } = prepareTraining(config, dataset);
  const take = () => {
    dispatches = [];
    const [batch] = trainingBatches(0, 0);
    trainStep({ model, optimizer, labelSmoothing: 0 }, batch!, step).dispose();
  };
  gpu.commands.observer = (dispatch) => void dispatches.push(dispatch);
  for (let k = 0; k < 4; k++) take();
  const before = { ...made };
  for (let k = 0; k < 3; k++) take();
  madeLater = { ...made };
  for (const key of Object.keys(made) as (keyof typeof made)[]) madeLater[key] -= before[key];
});

test('a step of ResNet-56 at batch 512 takes 588 dispatches', () => {
  expect(dispatches).toHaveLength(588);
});

test('every dispatch with a million multiply-adds has work for 4,096 threads', () => {
  const large = dispatches.filter(({ multiplyAdds }) => multiplyAdds > 1e6);
  expect(large.length).toBeGreaterThan(300);
  expect(Math.min(...large.map(({ invocations }) => invocations))).toBeGreaterThanOrEqual(4096);
});

test('the multiply-adds of the convolutions are those of the net, three times', () => {
  const convolutions = dispatches.filter(({ name }) => /^Conv2D(?!BackpropFilter.sum)/.test(name));
  const perImage = convolutions.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0) / 512;
  const stem = 32 * 32 * 27 * 16; // its input gradient is nobody's
  const stages = 18 * 32 * 32 * 9 * 16 * 16 + 2 * 17.5 * 16 * 16 * 9 * 32 * 32; // the first of a stage has half the channels
  expect(perImage).toBe(3 * (stem + stages) - stem);
});

test('after four steps nothing is made anew: no buffer, no bind group, no pipeline', () => {
  expect(madeLater).toEqual({ buffers: 0, bindGroups: 0, pipelines: 0 });
});
