import { expect, test } from 'vitest';
import { epochOf, firstIteration } from '../training/position.js';
import { configSchema, runLength } from './schema.js';

const config = (options: object) => configSchema.parse({ schedule: { type: 'constant' }, ...options });

test.each([
  [
    { epochs: 25, batch_size: 128 },
    { iterationsPerEpoch: 391, iterations: 9775 },
  ],
  [
    { epochs: 25, batch_size: 128, drop_last: true },
    { iterationsPerEpoch: 390, iterations: 9750 },
  ],
  [
    { epochs: 25, batch_size: 128, order: 'fixed-cyclic' },
    { iterationsPerEpoch: 390.625, iterations: 9765 },
  ],
  [
    { epochs: 95, batch_size: 512, order: 'fixed-cyclic' },
    { iterationsPerEpoch: 97.65625, iterations: 9277 },
  ],
  [
    { epochs: 25, batch_size: 140, nominal_batch_size: 128, order: 'fixed-cyclic' },
    { iterationsPerEpoch: 390.625, iterations: 9765 },
  ],
])('%o on 50,000 images is %o', (options, length) => {
  expect(runLength(config(options), 50_000)).toEqual(length);
});

test.each([
  ['drop_last', { drop_last: true, order: 'fixed-cyclic' }, /no last batch/],
  ['nominal_batch_size', { nominal_batch_size: 128 }, /needs order fixed-cyclic/],
])('%s is refused where it has no meaning', (_key, options, message) => {
  expect(() => config(options)).toThrow(message);
});

test.each([
  [{ order: 'fixed-cyclic' }, /batch_size 65536 with order fixed-cyclic exceeds the 50000 images/],
  [{ drop_last: true }, /batch_size 65536 with drop_last leaves no batch of 50000 images/],
])('an epoch without an update is refused: %j', (options, message) => {
  expect(() => runLength(config({ batch_size: 65_536, ...options }), 50_000)).toThrow(message);
});

test('every update belongs to the epoch whose updates begin at or before it', () => {
  for (const batch of [128, 140, 7, 1, 50_000])
    for (let epoch = 0; epoch < 30; epoch++) {
      const first = firstIteration(epoch, 50_000 / batch);
      expect(first).toBe(Math.ceil((epoch * 50_000) / batch));
      if (firstIteration(epoch + 1, 50_000 / batch) > first) expect(epochOf(first, 50_000 / batch)).toBe(epoch);
      if (first > 0) expect(epochOf(first - 1, 50_000 / batch)).toBeLessThan(epoch);
    }
});
