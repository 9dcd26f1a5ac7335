import { beforeAll, expect, test } from 'vitest';
import { firstLosses } from '../testing/first-losses.js';
import { probeBackends } from './index.js';

/** Of a loss, relative: what ten updates in float32 may make of sums taken in another order (seen: 1e-6). */
const tolerance = 1e-5;

let reference: number[];
beforeAll(async () => {
  reference = await firstLosses('cpu');
}, 120_000);

test('the reference losses change, so that agreeing with them means something', () => {
  expect(reference).toHaveLength(10);
  expect(Math.max(...reference) / Math.min(...reference)).toBeGreaterThan(1.1);
});

/** A GPU has tests of its own (webgpu/): a software one takes a minute to compile what a net needs. */
const backends = (await probeBackends()).filter(({ name }) => name !== 'cpu' && name !== 'webgpu');

for (const { name, availability } of backends) {
  if (!availability.usable) console.log(`losses on backend ${name} are not compared: ${availability.reason}`);
  test.skipIf(!availability.usable)(
    `the first ten training losses on ${name} are the reference's`,
    async () => {
      expect(largestError(await firstLosses(name), reference)).toBeLessThan(tolerance);
    },
    60_000,
  );
}

// At a tenth of the LR: at 0.1 a net this small soon makes different losses of differences in the eighth bit.
test.runIf(backends.find(({ name }) => name === 'onednn')!.availability.usable)(
  'the first ten training losses on onednn in bfloat16 are those in float32',
  async () => {
    const float32 = await firstLosses('onednn', { lr: 0.01 });
    expect(largestError(await firstLosses('onednn', { precision: 'bf16', lr: 0.01 }), float32)).toBeLessThan(0.03);
  },
);

function largestError(losses: number[], expected: number[]): number {
  expect(losses).toHaveLength(10);
  return Math.max(...losses.map((loss, i) => Math.abs(loss / expected[i]! - 1)));
}
