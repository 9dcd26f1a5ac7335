import { expect, test } from 'vitest';
import { randomStream } from '../random.js';
import { localRegression } from './local-regression.js';
import { smooth } from './smooth.js';

const x = Array.from({ length: 100 }, (_, i) => i + (i % 3) / 4);

test('reproduces a straight line up to its ends, whatever the spacing', () => {
  const y = x.map((value) => 3 - 0.2 * value);
  localRegression(x, y).forEach((value, i) => {
    expect(value).toBeCloseTo(y[i]!, 7);
  });
});

test('follows a dip that a trailing moving average stays above', () => {
  const { normal } = randomStream(1, 'synthetic');
  const truth = x.map((_, i) => 2.3 - 0.9 * Math.exp(-(((i - 70) / 15) ** 2)));
  const y = truth.map((value) => value + 0.05 * normal());
  expect(Math.abs(localRegression(x, y)[70]! - truth[70]!)).toBeLessThan(0.06);
  expect(smooth(y)[70]! - truth[70]!).toBeGreaterThan(0.35);
});

test('ignores values that are not finite, and leaves few points unchanged', () => {
  const y = x.map((value) => 2 * value);
  const holes = y.map((value, i) => (i === 50 || i > 95 ? Number.NaN : value));
  const found = localRegression(x, holes);
  expect(found[50]).toBeCloseTo(y[50]!, 9);
  expect(found.slice(96)).toEqual(Array(4).fill(Number.NaN));
  expect(localRegression([1, 2], [5, 6])).toEqual([5, 6]);
});
