import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  add,
  backend,
  memory,
  slice,
  type Tensor,
  type Tensor4D,
  tensor,
  tensor1d,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../models/index.js';
import { sgdUpdate } from '../../ops/sgd-update.js';
import { optimizers } from '../../optimizers/index.js';
import { randomStream } from '../../random.js';
import { trainStep } from '../../training/train.js';
import { addonPath } from './addon.js';
import type { OnednnBackend } from './backend.js';
import { onednn } from './index.js';

const availability = await onednn.probe();

const pool = () => (backend() as OnednnBackend).pool;

/** A tensor in the pool's memory, as kernels make them. */
function pooled(values: number[]): Tensor {
  const given = tensor(values);
  return add(given, zerosLike(given));
}

/** Returns a function that trains a ResNet-8 for one step on a batch of the given size and returns the loss. */
function trainer(): (size: number) => number {
  const random = randomStream(1, 'init');
  const model = models.create(models.schema.parse({ type: 'resnet', depth: 8 }), {
    inputShape: [12, 12, 3],
    seed: 1,
    classes: 10,
    random,
  });
  const optimizer = optimizers.create(optimizers.schema.parse({ type: 'sgd' }), model.parameters);
  const images = Float32Array.from({ length: 16 * 12 * 12 * 3 }, random.normal);
  return (size) => {
    const x = tensor(images.slice(0, size * 12 * 12 * 3), [size, 12, 12, 3]) as Tensor4D;
    const labels = tensor1d(Float32Array.from({ length: size }, (_, i) => i % 10));
    const metrics = trainStep(
      { model, optimizer, labelSmoothing: 0 },
      { x, labels, size },
      { lr: 0.01, momentum: 0.9 },
    );
    const [loss] = metrics.dataSync();
    metrics.dispose();
    return loss!;
  };
}

describe.runIf(availability.usable)('memory of the onednn backend', () => {
  describe.each(['f32', 'bf16'] as const)('in %s', (precision) => {
    beforeAll(async () => {
      await onednn.activate({ precision, threads: 1 });
    });

    it('does not grow after the second of 200 training steps', () => {
      const step = trainer();
      step(4);
      step(4);
      const { allocations, bytes } = pool();
      const { numTensors } = memory();
      for (let i = 0; i < 198; i++) step(4);
      expect(pool()).toMatchObject({ allocations, bytes });
      expect(memory().numTensors).toBe(numTensors);
    });

    it('serves a partial batch from the buffers of whole ones', () => {
      const step = trainer();
      step(16);
      step(16);
      const { bytes } = pool();
      step(11);
      step(16);
      step(11);
      expect(pool().bytes).toBeLessThan(bytes * 1.05);
    });
  });

  it('is not shared between values read from a tensor and later tensors', () => {
    const values = () => (backend() as OnednnBackend).allocate([1000]);
    const first = values();
    (backend() as OnednnBackend).view(first).fill(1);
    const read = backend().readSync(first.dataId) as Float32Array;
    backend().disposeData(first.dataId);
    (backend() as OnednnBackend).view(values()).fill(2);
    expect(read.every((value) => value === 1)).toBe(true);
  });

  it("is not shared between a tensor and a slice of it, although tfjs's own kernel makes a view", () => {
    const whole = pooled(new Array(64).fill(1));
    const part = slice(whole, [0], [16]);
    whole.dispose();
    pooled(new Array(64).fill(2));
    expect([...part.dataSync()]).toEqual(new Array(16).fill(1));
  });

  it('is copied before an update in place if something else holds the parameter', () => {
    const [parameter, gradient, velocity] = [pooled([1, 2]), pooled([1, 2]), pooled([0, 0])];
    const held = parameter.clone();
    const mode = { nesterov: false, weightDecayMode: 'l2', lrPlacement: 'outside' } as const;
    const rates = { lr: [1], momentum: [0], weightDecay: [0] };
    const [updated] = sgdUpdate([parameter], [gradient], [velocity], { ...rates, ...mode });
    expect([...updated[0]!.dataSync()]).toEqual([0, 0]);
    expect([...held.dataSync()]).toEqual([1, 2]);
  });
});

/** Prints a checksum of 60 convolutions and their gradients on two threads. */
const manyConvolutions = `
  const addon = require(process.argv[1]);
  addon.setThreads(2);
  const fill = (count) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
  const [x, filter, y] = [fill(16 * 32 * 32 * 16), fill(9 * 16 * 16), fill(16 * 32 * 32 * 16)];
  const shape = Int32Array.of(16, 32, 32, 16, 32, 32, 16, 3, 3, 1, 1, 1, 1, 1, 1);
  let sum = 0;
  for (let i = 0; i < 60; i++) {
    const way = i % 2;
    addon.convForward(way, shape, x, filter, y);
    addon.convBackwardInput(way, shape, x, filter, y);
    addon.convBackwardFilter(way, shape, x, filter, y);
    const largest = filter.reduce((a, b) => Math.max(a, Math.abs(b)));
    for (let k = 0; k < filter.length; k++) filter[k] /= largest;
    for (let k = 0; k < x.length; k++) x[k] = Math.sin(k);
    sum += filter.reduce((a, b) => a + b);
  }
  console.log(sum);
`;

describe.runIf(availability.usable)('two processes at once', () => {
  it('compute the same result, to the last bit', async () => {
    const run = () => promisify(execFile)(process.execPath, ['-e', manyConvolutions, addonPath]);
    const [a, b] = await Promise.all([run(), run()]);
    expect(Number(a.stdout)).not.toBeNaN();
    expect(a.stdout).toBe(b.stdout);
  });
});
