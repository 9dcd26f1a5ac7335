import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { backend, memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { datasets } from '../../datasets/index.js';
import { evaluate } from '../../training/evaluate.js';
import { prepareTraining } from '../../training/prepare.js';
import { type Training, trainStep } from '../../training/train.js';
import { findCuda, whyNoGpu } from './cuda.js';
import { tensorflow } from './index.js';
import { visibleDevices } from './load.js';
import type { TensorFlowBackend } from './ops.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-tensorflow-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const availability = await tensorflow.probe();
if (!availability.usable) console.log(`TensorFlow is not tested: ${availability.reason}`);

describe.skipIf(!availability.usable)('a training step under TensorFlow', () => {
  beforeAll(() => tensorflow.activate({}));

  async function prepare(depth: number, batch_size: number) {
    const config = configSchema.parse({
      batch_size,
      dataset: { type: 'synthetic', train_size: 10 * batch_size, val_size: 10 },
      model: { type: 'resnet', depth },
      optimizer: { type: 'sgd', weight_decay: 1e-4 },
      schedule: { type: 'constant', lr: 0.01 },
    });
    const surroundings = { cacheDirectory: scratch, seed: 1, report() {} };
    return prepareTraining(config, await datasets.create(config.dataset, surroundings));
  }

  function step(training: Training): void {
    const [batch] = training.trainingBatches(0, 1);
    trainStep(training, batch!, { lr: 0.01, momentum: 0.9 }).dispose();
  }

  it('of ResNet-56 is at most 800 ops', async () => {
    const training = await prepare(56, 2);
    step(training);
    const calls = countOps(() => step(training));
    console.log(`a step of ResNet-56: ${calls} ops`);
    expect(calls).toBeLessThanOrEqual(800);
    expect(calls).toBeGreaterThan(300); // each convolution and batch norm, forwards and backwards
  });

  it('leaves no tensor behind, in 200 steps and an evaluation', async () => {
    const training = await prepare(8, 4);
    const { signal } = new AbortController();
    step(training);
    await evaluate(training.model, training.validationBatches(0), { signal });
    const before = counts();
    for (let i = 0; i < 200; i++) step(training);
    await evaluate(training.model, training.validationBatches(0), { signal });
    expect(counts()).toEqual(before);
  }, 120_000);
});

/** Tensors as tfjs counts them, and as TensorFlow's own handles. */
function counts() {
  const { numTensors, numBytes } = memory();
  const { binding } = backend() as unknown as { binding: { getNumOfTensors(): number } };
  return { numTensors, numBytes, handles: binding.getNumOfTensors() };
}

function countOps(work: () => void): number {
  const tensorflow = backend() as unknown as TensorFlowBackend;
  const { binding } = tensorflow;
  let calls = 0;
  const value: typeof binding.executeOp = (...call) => {
    calls++;
    return binding.executeOp(...call);
  };
  tensorflow.binding = Object.create(binding, { executeOp: { value } });
  work();
  tensorflow.binding = binding;
  return calls;
}

describe('the device', () => {
  it.each([
    ['cpu', undefined, '-1'],
    ['cpu', '2,3', '-1'],
    ['gpu', undefined, '0'],
    ['gpu', '2,3', '2,3'],
    ['gpu:1', undefined, '1'],
    ['gpu:1', '2,3', '3'],
  ])('%s with CUDA_VISIBLE_DEVICES=%s makes it %s', (device, visible, expected) => {
    expect(visibleDevices(device, visible)).toBe(expected);
  });

  it('that is not there is refused by its name', () => {
    expect(() => visibleDevices('gpu:2', '2,3')).toThrow('no gpu:2 in CUDA_VISIBLE_DEVICES=2,3');
    expect(() => visibleDevices('tpu', undefined)).toThrow('TensorFlow has no device tpu');
  });
});

describe('the reason for computing on the processor', () => {
  it('is the wheel without CUDA', () => {
    expect(whyNoGpu('cpu', scratch)).toMatch(/without CUDA.*setup:tensorflow -- --gpu/);
  });

  it('is what is missing of CUDA beside the library', () => {
    const folder = path.join(scratch, 'tensorflow');
    const place = path.join(scratch, 'nvidia/cudnn/lib');
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, 'libcudnn.so.9'), '');
    const { found, missing } = findCuda(folder);
    expect(found).toContain('libcudnn.so.9');
    expect(missing).not.toContain('libcudnn.so.9');
    expect(whyNoGpu('gpu', folder)).toMatch(/^no GPU: /);
  });
});
