import { beforeAll, expect, test } from 'vitest';
import { firstLosses } from '../reliability/first-losses.js';
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

/** A GPU has tests of its own (webgpu.slow.test.ts): a software one takes a minute to compile what a net needs. */
const others = (await probeBackends()).filter(({ name }) => name !== 'cpu' && name !== 'webgpu');

for (const { name, availability } of others) {
  if (!availability.usable) console.log(`losses on backend ${name} are not compared: ${availability.reason}`);
  test.skipIf(!availability.usable)(
    `the first ten training losses on ${name} are the reference's`,
    async () => {
      const losses = await firstLosses(name);
      const errors = losses.map((loss, i) => Math.abs(loss / reference[i]! - 1));
      expect(errors).toHaveLength(10);
      expect(Math.max(...errors)).toBeLessThan(tolerance);
    },
    60_000,
  );
}
