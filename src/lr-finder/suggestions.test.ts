import { describe, expect, test } from 'vitest';
import { randomStream } from '../random.js';
import { smooth } from '../statistics/smooth.js';
import { fc } from '../testing/random-tests.js';
import { type LrRange, learningRate } from './learning-rates.js';
import { type LrCurve, type Method, runningMedian, suggest } from './suggestions.js';

const sixDecades: LrRange = { start: 1e-5, end: 10, scale: 'exponential', iterations: 100 };

/** Made up: falls around LR 0.01 (a logistic step in log LR), least near 0.2, blows up beyond. */
const dip = (lr: number) => 2.3 - 1.2 / (1 + Math.exp(-2 * Math.log(lr / 0.01))) + (lr / 0.7) ** 2;

function curve(loss: (lr: number, i: number) => number, range = sixDecades): LrCurve {
  const lr = Array.from({ length: range.iterations }, (_, i) => learningRate(range, i));
  const losses = lr.map(loss);
  return { lr, loss: losses, smoothed: smooth(losses) };
}
/** As if the average had no lag: the answers are then those of the formula. */
const exact = ({ lr, loss }: LrCurve): LrCurve => ({ lr, loss, smoothed: loss });

function answer(of: LrCurve, method: Method): { max_lr: number; base_lr?: number } {
  const found = suggest(of, 10).find((suggestion) => suggestion.method === method)!;
  if ('reason' in found) throw new Error(found.reason);
  return found;
}
const reasons = (of: LrCurve) => suggest(of, 10).map((found) => ('reason' in found ? found.reason : undefined));

/** The LR with the least loss, by looking at all of them. */
const bottom = ({ lr, loss }: LrCurve) => lr[loss.indexOf(Math.min(...loss))]!;
/** Neighbouring LRs of the range differ by this factor. */
const step = (10 / 1e-5) ** (1 / 99);

describe('on a smooth dip', () => {
  const made = exact(curve(dip));

  test('minimum/10 is a tenth of the LR with the least loss', () => {
    expect(answer(made, 'minimum/10').max_lr).toBeCloseTo(bottom(made) / 10, 12);
  });

  test('steepest is where the loss falls fastest on the log axis', () => {
    expect(answer(made, 'steepest').max_lr / 0.01).toBeGreaterThan(1 / step ** 1.5);
    expect(answer(made, 'steepest').max_lr / 0.01).toBeLessThan(step ** 1.5);
  });

  test('valley is the middle of the stretch that falls', () => {
    const first = 10; // what comes before is left out
    const n = made.lr.indexOf(bottom(made)) - first + 1;
    expect(answer(made, 'valley').max_lr).toBe(made.lr[first - 1 + Math.floor(n / 3) + Math.floor(n / 6)]);
  });

  test('the range ends where the loss stops falling and starts at a tenth of it', () => {
    const { max_lr, base_lr } = answer(made, 'range');
    expect(max_lr / bottom(made)).toBeGreaterThan(1 / step ** 3);
    expect(max_lr / bottom(made)).toBeLessThan(step ** 3);
    expect(base_lr).toBeCloseTo(max_lr / 10, 12);
  });
});

test('valley equals a plain search over all falling subsequences', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 0.05, noNaN: true }), { minLength: 60, maxLength: 60 }), (noise) => {
      const range = { ...sixDecades, iterations: 60 };
      const made = exact(curve((lr, i) => dip(lr) + noise[i]!, range));
      const kept = made.loss.slice(6);
      const longestFrom = (i: number, memo: number[]): number => {
        memo[i] ??= 1 + Math.max(0, ...kept.map((loss, j) => (j < i && loss > kept[i]! ? longestFrom(j, memo) : 0)));
        return memo[i];
      };
      const memo: number[] = [];
      const lengths = kept.map((_, i) => longestFrom(i, memo));
      const n = Math.max(...lengths);
      const at = lengths.indexOf(n) - n + Math.floor(n / 3) + Math.floor(n / 6);
      expect(answer(made, 'valley').max_lr).toBe(made.lr[6 + at]);
    }),
    { numRuns: 30 },
  );
});

describe('on noisy dips', () => {
  const made = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
    const { normal } = randomStream(seed, 'synthetic');
    return curve((lr) => dip(lr) * (1 + 0.04 * normal()));
  });

  test.each<[Method, number, number]>([
    ['minimum/10', 0.01, 0.2], // of the moving average, which lags behind the true minimum 0.2
    ['steepest', 0.003, 0.1],
    ['valley', 0.001, 0.1],
    ['range', 0.04, 0.6],
  ])('%s stays between %d and %d', (method, low, high) => {
    for (const noisy of made) {
      expect(answer(noisy, method).max_lr).toBeGreaterThan(low);
      expect(answer(noisy, method).max_lr).toBeLessThan(high);
    }
  });

  test('the running median has no lag', () => {
    const { loss, lr } = made[0]!;
    const medians = runningMedian(loss);
    const at = lr.findIndex((value) => value > 0.01);
    expect(Math.abs(medians[at]! - dip(lr[at]!))).toBeLessThan(0.15);
  });
});

test('a linear range: steepest goes by the log axis, the minimum by the loss', () => {
  const made = exact(curve(dip, { start: 0.002, end: 0.5, scale: 'linear', iterations: 1000 }));
  expect(answer(made, 'minimum/10').max_lr).toBeCloseTo(bottom(made) / 10, 12);
  const early = exact(curve(dip, { start: 0.002, end: 0.02, scale: 'linear', iterations: 1000 }));
  expect(answer(early, 'steepest').max_lr).toBeGreaterThan(0.008);
  expect(answer(early, 'steepest').max_lr).toBeLessThan(0.0125);
});

test('with a validation accuracy the range ends where it peaks', () => {
  const made = curve(dip);
  const val_acc = made.lr.map((lr) => 60 - 8 * Math.log10(lr / 0.05) ** 2);
  const peak = answer({ ...made, val_acc }, 'range').max_lr;
  expect(peak).toBeGreaterThan(0.05 / step ** 3);
  expect(peak).toBeLessThan(0.05 * step ** 3);
});

describe('no answer', () => {
  test('where the accuracy never rises, for the range alone', () => {
    const made = { ...curve(dip), val_acc: Array(100).fill(10) };
    expect(reasons(made)).toEqual([undefined, undefined, undefined, expect.stringMatching(/accuracy never rises/)]);
  });

  test.each<[string, (lr: number, i: number) => number]>([
    ['only rises', (lr) => 2 + lr],
    ['never changes', () => 2.3],
    ['is NaN from the start', () => Number.NaN],
  ])('where the loss %s', (_, loss) => {
    expect(suggest(curve(loss), 10)).toHaveLength(4);
    for (const reason of reasons(curve(loss))) expect(reason).toMatch(/never falls|too few/);
  });

  test('where the loss is nothing but noise, for nearly every seed', () => {
    const pure = Array.from({ length: 200 }, (_, seed) => {
      const { normal } = randomStream(seed, 'synthetic');
      return curve(() => 2.3 + 0.1 * normal());
    });
    const without = pure.filter((noise) => reasons(noise).every((reason) => reason?.includes('never falls')));
    expect(without.length).toBeGreaterThan(197);
  });

  describe('where a net thrown off at the start comes back to guessing', () => {
    const backTo = (level: number) => curve((lr) => level + 3 / (1 + (lr / 1e-4) ** 2));

    test('and no further; the reason says what to try', () => {
      const expected = /never gets 2 % below guessing's, ln 10 = 2.30: lower --start, without --linear/;
      for (const reason of reasons(backTo(0.985 * Math.log(10)))) expect(reason).toMatch(expected);
      expect(reasons(backTo(0.97 * Math.log(10))).slice(1, 3)).toEqual([undefined, undefined]);
    });

    test('which depends on the number of classes', () => {
      for (const found of suggest(backTo(2), 7)) expect(found).toHaveProperty('reason', expect.stringMatching('ln 7'));
      expect(suggest(backTo(2), 10)[2]).toHaveProperty('max_lr');
    });
  });

  test.each([0, 1, 3, 10])('for %d points: too few', (iterations) => {
    const short = exact(curve((_, i) => 2 - i, { ...sixDecades, iterations }));
    expect(reasons(short)).toEqual(Array(4).fill(expect.stringMatching(/^too few points/)));
  });

  test('for steepest where the loss falls fastest at the end', () => {
    const made = exact(curve((lr) => 2 - 0.4 * lr, { start: 0.1, end: 2, scale: 'linear', iterations: 100 }));
    expect(reasons(made)[1]).toMatch(/still falls fastest at the last LR, 2: raise --end/);
  });

  test('for minimum and range where the loss falls to the end; steepest and valley have one', () => {
    const [minimum, steepest, valley, range] = reasons(exact(curve((lr) => 2 - 0.1 * Math.log10(lr))));
    for (const reason of [minimum, range]) expect(reason).toMatch(/still falls at the last LR, 10: raise --end/);
    for (const reason of [steepest, valley]) expect(reason).toBeUndefined();
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('what comes after a loss of %d does not count', (bad) => {
  const whole = curve((lr) => 2 - 0.1 * Math.log10(lr));
  const cut = curve((lr, i) => (i < 70 ? 2 - 0.1 * Math.log10(lr) : i === 70 ? bad : -5));
  expect(answer(exact(cut), 'minimum/10').max_lr).toBeCloseTo(whole.lr[69]! / 10, 12);
  expect(answer(exact(cut), 'range').max_lr).toBe(whole.lr[69]);
});

test('a loss that jumps up at the very end has diverged, and is not still falling', () => {
  const made = curve((lr, i) => (i < 98 ? 2 - 0.1 * Math.log10(lr) : 500));
  expect(answer(exact(made), 'range').max_lr).toBeGreaterThan(made.lr[90]!);
});
