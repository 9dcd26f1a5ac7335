import { beforeAll, expect, test } from 'vitest';
import { firstLosses } from '../testing/first-losses.js';
import { probeBackends } from './index.js';

/** Relative difference of a loss after up to ten float32 updates, if sums are taken in another order (seen: 1e-6). */
const tolerance = 1e-5;
/** At LR 0.1, the input of a ReLU in the eighth update is so close to 0 that AVX2 and AVX-512 give it different signs. */
const float32 = { lr: 0.05 };

let reference: number[];
beforeAll(async () => {
  reference = await firstLosses('cpu', float32);
}, 120_000);

test('the reference losses change, so agreement with them means something', () => {
  expect(reference).toHaveLength(10);
  expect(Math.max(...reference) / Math.min(...reference)).toBeGreaterThan(1.1);
});

/** GPUs have their own tests (webgpu/): a software GPU takes a minute to compile the shaders of a net. */
const backends = (await probeBackends()).filter(({ name }) => name !== 'cpu' && name !== 'webgpu');

for (const { name, availability } of backends) {
  if (!availability.usable) console.log(`losses on backend ${name} are not compared: ${availability.reason}`);
  test.skipIf(!availability.usable)(
    `the first ten training losses on ${name} agree with the reference`,
    async () => {
      expect(largestError(await firstLosses(name, float32), reference)).toBeLessThan(tolerance);
    },
    60_000,
  );
}

/** One rounding to bfloat16's 8 bits. The batch is large enough that later steps don't amplify it, as with 4 images. */
const bf16Tolerance = 2 ** -8;

test.runIf(backends.find(({ name }) => name === 'onednn')!.availability.usable)(
  'the first ten training losses on onednn in bfloat16 agree with float32',
  async () => {
    const options = { lr: 0.01, batchSize: 64 };
    const reference = await firstLosses('onednn', options);
    const bfloat16 = await firstLosses('onednn', { ...options, precision: 'bf16' });
    expect(largestError(bfloat16, reference)).toBeLessThan(bf16Tolerance);
  },
  60_000,
);

function largestError(losses: number[], expected: number[]): number {
  expect(losses).toHaveLength(10);
  return Math.max(...losses.map((loss, i) => Math.abs(loss / expected[i]! - 1)));
}
