import { memory, reshape, type Tensor, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { wasm } from '../backends/wasm/index.js';
import type { Batch } from '../datasets/batches.js';
import type { Model } from '../models/model.js';
import { evaluate } from './evaluate.js';

beforeAll(() => wasm.activate({ precision: 'f32' }));

/** A model that returns the images, [size, 1, 1, 2], as the logits of two classes. */
const identityModel = {
  parameters: [],
  statistics: [],
  forward: (_tape: unknown, x: Tensor) => reshape(x, [-1, 2]),
} as unknown as Model;

/** Batches of images of class 0, from their log-odds of class 0 against class 1. */
function* batches(...odds: number[][]): Generator<Batch> {
  for (const batch of odds) {
    const pixels = batch.flatMap((value) => [value, 0]);
    const labels = tensor1d(batch.map(() => 0));
    yield { x: tensor4d(pixels, [batch.length, 1, 1, 2]), labels, size: batch.length };
  }
}
const loss = (odds: number) => Math.log1p(Math.exp(-odds));

it.each([0, 1, 4])('weights each image the same, the last partial batch too (%d in flight)', async (stepsInFlight) => {
  const odds = [[3, -1, 0.5, 2], [1, -2, 0.25, 4], [-5]];
  const before = memory().numTensors;
  const result = await evaluate(identityModel, batches(...odds), { stepsInFlight });
  const all = odds.flat();
  expect(result.loss).toBeCloseTo(all.reduce((sum, value) => sum + loss(value), 0) / 9, 5); // mean of batches: 2.07
  expect(result.accuracy).toBeCloseTo((100 * 6) / 9, 10);
  expect(memory().numTensors).toBe(before);
});

it('ends after the current batch when aborted, and leaves no tensor behind', async () => {
  const controller = new AbortController();
  const before = memory().numTensors;
  const abortAtThird = function* () {
    let n = 0;
    for (const batch of batches([1], [1], [-1], [1], [1])) {
      if (++n === 3) controller.abort();
      yield batch;
    }
  };
  const result = await evaluate(identityModel, abortAtThird(), { stepsInFlight: 2, signal: controller.signal });
  expect(result.accuracy).toBeCloseTo((100 * 2) / 3, 10);
  expect(memory().numTensors).toBe(before);
});
