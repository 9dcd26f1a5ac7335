import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { backend, memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { datasets } from '../../datasets/index.js';
import { evaluate } from '../../training/evaluate.js';
import { prepareTraining } from '../../training/prepare.js';
import { type Training, trainStep } from '../../training/train.js';
import type { ActiveBackend } from '../backend.js';
import { findCuda, whyNoGpu } from './cuda.js';
import { tensorflow } from './index.js';
import { visibleDevices } from './load.js';
import type { TensorFlowBackend } from './ops.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-tensorflow-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const availability = await tensorflow.probe();
if (!availability.usable) console.log(`TensorFlow is not tested: ${availability.reason}`);

describe.skipIf(!availability.usable)('a training step under TensorFlow', () => {
  let active: ActiveBackend;
  beforeAll(async () => {
    active = await tensorflow.activate({});
  });

  async function prepare(model: Record<string, unknown>, batch_size: number, { repeater }: Partial<ActiveBackend>) {
    const config = configSchema.parse({
      batch_size,
      dataset: { type: 'synthetic', train_size: 10 * batch_size, val_size: 10 },
      model,
      optimizer: { type: 'sgd', weight_decay: 1e-4 },
      schedule: { type: 'constant', lr: 0.01 },
    });
    const context = { cacheDirectory: scratch, seed: 1, report() {} };
    return prepareTraining(config, await datasets.create(config.dataset, context), { repeater });
  }

  /** Returns the loss. */
  function step(training: Training, iteration = 0): number {
    const [batch] = training.trainingBatches(0, 1);
    const metrics = trainStep(training, batch!, { lr: 0.01, momentum: 0.9 }, iteration);
    const [loss] = metrics.dataSync();
    metrics.dispose();
    return loss!;
  }

  /** Losses of the first steps, then all weights and statistics; and how often `forward` was called. */
  async function trained(model: Record<string, unknown>, how: Partial<ActiveBackend>) {
    const training = await prepare(model, 4, how);
    const forward = vi.spyOn(training.model, 'forward');
    const losses = Array.from({ length: 5 }, (_, i) => step(training, i));
    const values = [...training.model.parameters, ...training.model.statistics].map(({ value }) => value.dataSync());
    return { result: { losses, values }, forward: forward.mock.calls.length };
  }

  it('of ResNet-56 is at most 700 ops plus the update; as a graph one call plus the update', async () => {
    const [byOps, asGraph] = [
      await prepare({ type: 'resnet', depth: 56 }, 2, {}),
      await prepare({ type: 'resnet', depth: 56 }, 2, active),
    ].map((training) => {
      step(training);
      return countOps(() => step(training));
    });
    console.log(`a step of ResNet-56: ${byOps} ops; as a graph ${asGraph}`);
    expect(byOps).toBeLessThanOrEqual(701);
    expect(byOps).toBeGreaterThan(300); // each convolution and batch norm, forward and backward
    expect(asGraph).toBe(2);
  });

  it.each([
    { type: 'resnet', depth: 8 },
    { type: 'resnet', depth: 8, bn_batch: 2, bn_placement: 'smith', shortcut: 'projection-2x2' },
    { type: 'densenet', depth: 10, growth: 6 },
  ])('as a graph gives the same bits as op by op: %j', async (model) => {
    const { forward, result } = await trained(model, active);
    expect(forward).toBe(1);
    expect(result).toEqual((await trained(model, {})).result);
  });

  it('of cifar3, whose pooling rounds differently in a graph, is a graph from the first step on', async () => {
    const { forward, result } = await trained({ type: 'cifar3' }, active);
    expect(forward).toBe(1);
    const byOps = await trained({ type: 'cifar3' }, {});
    for (const [i, loss] of result.losses.entries()) expect(loss).toBeCloseTo(byOps.result.losses[i]!, 5);
    expect((await trained({ type: 'cifar3' }, active)).result).toEqual(result);
  });

  it('with dropout, which differs from step to step, is not a graph', async () => {
    const model = { type: 'densenet', depth: 10, growth: 6, dropout: 0.2 };
    const { forward, result } = await trained(model, active);
    expect(forward).toBe(6); // one of them to find that out
    expect(result).toEqual((await trained(model, {})).result);
  });

  it('does not change a clone of a statistic', async () => {
    const training = await prepare({ type: 'resnet', depth: 8 }, 4, active);
    step(training);
    const statistic = training.model.statistics[0]!;
    const clone = statistic.value.clone();
    const before = [...clone.dataSync()];
    step(training);
    expect([...clone.dataSync()]).toEqual(before);
    expect([...statistic.value.dataSync()]).not.toEqual(before);
  });

  it('leaves no tensor behind, in 200 steps and an evaluation', async () => {
    const training = await prepare({ type: 'resnet', depth: 8 }, 4, active);
    const { repeatValidation: repeat } = training;
    const { signal } = new AbortController();
    step(training);
    await evaluate(training.model, training.validationBatches(0), { signal, repeat });
    const before = counts();
    for (let i = 0; i < 200; i++) step(training);
    await evaluate(training.model, training.validationBatches(0), { signal, repeat });
    expect(counts()).toEqual(before);
  }, 120_000);
});

/** Tensors as tfjs counts them, and TensorFlow's own handles. */
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

  it('that does not exist is rejected by name', () => {
    expect(() => visibleDevices('gpu:2', '2,3')).toThrow('no gpu:2 in CUDA_VISIBLE_DEVICES=2,3');
    expect(() => visibleDevices('tpu', undefined)).toThrow('TensorFlow has no device tpu');
  });
});

describe('the reason for computing on the processor', () => {
  it('is the wheel without CUDA', () => {
    expect(whyNoGpu('cpu', scratch)).toMatch(/without CUDA.*setup:tensorflow -- --gpu/);
  });

  it('takes the CUDA libraries beside TensorFlow into account', () => {
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
