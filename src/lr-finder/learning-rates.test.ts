import { expect, test } from 'vitest';
import { fc } from '../testing/random-tests.js';
import { checkRange, type LrRange, learningRate } from './learning-rates.js';

const ranges = fc
  .record({
    start: fc.double({ min: 1e-8, max: 10, noNaN: true }),
    factor: fc.double({ min: 1.01, max: 1e8, noNaN: true }),
    scale: fc.constantFrom('linear' as const, 'exponential' as const),
    iterations: fc.integer({ min: 2, max: 500 }),
  })
  .map(({ factor, ...rest }): LrRange => ({ ...rest, end: rest.start * factor }));

const all = (range: LrRange) => Array.from({ length: range.iterations }, (_, i) => learningRate(range, i));

test('a range starts and ends exactly where it says, and rises at every update', () => {
  fc.assert(
    fc.property(ranges, (range) => {
      const lrs = all(range);
      expect(lrs[0]).toBe(range.start);
      expect(lrs.at(-1)).toBe(range.end);
      for (let i = 1; i < lrs.length; i++) expect(lrs[i]).toBeGreaterThan(lrs[i - 1]!);
    }),
  );
});

test('a linear range has equal steps, an exponential one equal factors', () => {
  fc.assert(
    fc.property(ranges, (range) => {
      const points = all(range).map((lr) => (range.scale === 'linear' ? lr : Math.log(lr)));
      const step = (points.at(-1)! - points[0]!) / (points.length - 1);
      for (let i = 1; i < points.length; i++)
        expect(Math.abs(points[i]! - points[i - 1]! - step)).toBeLessThan(1e-9 * Math.abs(points.at(-1)!) + 1e-12);
    }),
  );
});

test('the LR in the middle is the mean of the ends, or their geometric mean', () => {
  expect(learningRate({ start: 0.1, end: 2.1, scale: 'linear', iterations: 101 }, 50)).toBeCloseTo(1.1, 12);
  expect(learningRate({ start: 1e-5, end: 10, scale: 'exponential', iterations: 7 }, 3)).toBeCloseTo(1e-2, 12);
  expect(learningRate({ start: 1e-300, end: 1e300, scale: 'exponential', iterations: 7 }, 3)).toBeCloseTo(1, 10);
});

test.each([
  { start: 0, end: 1, iterations: 100 },
  { start: 2, end: 1, iterations: 100 },
  { start: 1, end: 1, iterations: 100 },
  { start: Number.NaN, end: 1, iterations: 100 },
  { start: 0.1, end: Number.POSITIVE_INFINITY, iterations: 100 },
  { start: 0.1, end: 1, iterations: 1 },
  { start: 0.1, end: 1, iterations: 2.5 },
])('%o is refused', (range) => {
  expect(() => checkRange({ ...range, scale: 'linear' })).toThrow(/--start|--iterations/);
});
