import { expect, test } from 'vitest';
import { randomStream } from '../random.js';
import { smoothed, stepPoints } from './browser/points.js';
import type { PageRun } from './data.js';
import { thinnedSteps } from './thinned-steps.js';

const { normal } = randomStream(1, 'synthetic');
const rowsOf = (losses: number[]) =>
  losses.map((loss, i) => ({ iteration: i, epoch: 1 + Math.floor(i / 391), lr: i / 1e5, momentum: 0.9, loss }));
const runWith = (...[losses, limit]: [number[], number]): PageRun => {
  const steps = thinnedSteps(rowsOf(losses), limit);
  return { id: 'a', directory: 'a', arm: 'a', seed: 1, status: 'running', epochs: [], steps };
};
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Skewed to high values, as the losses of single batches are. */
const skewed = Array.from({ length: 37_000 }, () => 0.05 * Math.exp(0.45 * normal()));
const average = mean(skewed);

test.each([
  ['a report', 400],
  ['clr watch', 1000],
])('the smoothed losses of %s, which draws %d of 37,000, have the mean of all', (_, limit) => {
  for (const x of ['iteration', 'lr'] as const)
    for (const beta of [0.1, 0.5, 0.9, 0.99]) {
      const drawn = stepPoints([runWith(skewed, limit)], x, 'loss', beta).map(({ y }) => y);
      expect(drawn.length).toBeLessThanOrEqual(limit);
      expect(Math.abs(mean(drawn) / average - 1), `over ${x}, smoothing ${beta}`).toBeLessThan(0.01);
    }
});

test('the smoothed losses follow a mean that falls', () => {
  const level = (i: number) => 0.2 + 2 * Math.exp(-i / 8000);
  const falling = skewed.map((loss, i) => (loss / average) * level(i));
  const drawn = stepPoints([runWith(falling, 400)], 'iteration', 'loss', 0.5);
  expect(Math.abs(mean(drawn.map(({ x, y }) => y / level(x))) - 1)).toBeLessThan(0.02);
});

test('losses that are not smoothed are those of single batches, with their extremes', () => {
  const drawn = stepPoints([runWith(skewed, 400)], 'iteration', 'loss', 0);
  for (const { x, y } of drawn) expect(y).toBe(skewed[x]);
  expect(drawn.map(({ y }) => y)).toContain(Math.max(...skewed));
});

test('few losses are smoothed as they are, and those that are not finite are left out', () => {
  const [few, all] = [skewed.slice(0, 300), 400];
  const drawn = stepPoints([runWith(few, all)], 'iteration', 'loss', 0.9);
  smoothed(few, 0.9).forEach((y, i) => void expect(drawn[i]!.y).toBeCloseTo(y, 5));
  expect(thinnedSteps(rowsOf([1, Number.NaN, Number.POSITIVE_INFINITY, 2]), all)).toMatchObject([
    { loss: 1, mean_loss: 1, losses: 1 },
    { loss: null, mean_loss: null, losses: 0 },
    { loss: null, mean_loss: null, losses: 0 },
    { loss: 2, mean_loss: 2, losses: 1 },
  ]);
  const broken = skewed.map((loss, i) => (i % 2 ? Number.NaN : loss));
  const y = stepPoints([runWith(broken, all)], 'iteration', 'loss', 0.9).map((point) => point.y);
  expect(mean(y) / average).toBeCloseTo(1, 1.5);
});
