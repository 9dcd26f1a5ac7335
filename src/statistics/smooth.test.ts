import { expect, test } from 'vitest';
import { smooth } from './smooth.js';

test('the debiased average of a constant is the constant from the first value on', () => {
  for (const value of smooth(Array(100).fill(2.3))) expect(value).toBeCloseTo(2.3, 12);
});

test('weights the values by powers of beta', () => {
  expect(smooth([1, 2, 4], 0.5)[2]).toBeCloseTo((4 * 4 + 2 * 2 + 1) / 7, 12);
});

test('a value that is not finite changes nothing', () => {
  expect(smooth([1, Number.NaN, Infinity, 3])).toEqual([1, 1, 1, smooth([1, 3])[1]]);
});
