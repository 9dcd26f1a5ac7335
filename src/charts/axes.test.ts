import { expect, test } from 'vitest';
import { extent, logAxis, lossAxis } from './axes.js';

test('a loss axis shows everything while nothing blows up', () => {
  const { title, domain } = lossAxis('loss', [2.3, 2.4, 2.2, 1, 0.5, 3.1]);
  expect(title).toBe('loss');
  expect(domain[1]).toBeGreaterThan(3.1);
});

test('a loss axis ends above the untrained loss when the loss blows up, and says so', () => {
  const { title, domain } = lossAxis('loss', [...Array(10).fill(2.3), ...Array(90).fill(0.1), 1e6, Number.NaN]);
  expect(domain).toEqual([0, 2.3 * 1.5]);
  expect(title).toEqual(['loss', 'cut off at 3.4 (highest: 1.0e+6)']);
});

test('one exploded curve among several leaves the axis to the others, whatever its position', () => {
  const good = [2.3, 1.2, 0.8, 0.7];
  const bad = [5e3, 1e4, 1e4, 1e4];
  for (const curves of [[bad, good], [good, bad], [good, bad, good], [bad]])
    expect(lossAxis('loss', ...curves).domain[1]).toBeCloseTo(curves.length > 1 ? 1.5 : 1.05e4);
  const untrained = [2.3, 2.3, 2.3, 2.3];
  expect(lossAxis('loss', good, untrained)).toEqual({ title: 'loss', domain: [0, 1.05 * 2.3] });
});

test('an axis around one value, or none, has a width', () => {
  for (const values of [[0.9], [0], [], [Number.NaN]]) {
    const [low, high] = extent(values, 0.1);
    expect(high).toBeGreaterThan(low);
  }
  expect(lossAxis('loss', []).domain[1]).toBeGreaterThan(0);
});

test('a logarithmic axis has ticks at 1, 2 and 5 over few decades, else at powers of ten', () => {
  expect(logAxis([0, 0.01, 0.5]).axis.values).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5]);
  expect(logAxis([1e-5, 10]).axis.values).toEqual([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10]);
  expect(logAxis([1e-300, 1e300]).axis.values).toHaveLength(15);
  expect(logAxis([]).scale.domain[0]).toBeGreaterThan(0);
});
