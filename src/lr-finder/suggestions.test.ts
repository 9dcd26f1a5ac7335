import { describe, expect, test } from 'vitest';
import { randomStream } from '../random.js';
import { smooth } from '../statistics/smooth.js';
import { type LrRange, learningRate } from './learning-rates.js';
import { lossLine } from './line.js';
import { type LrCurve, type Method, runningMedian, suggest } from './suggestions.js';

const sixDecades: LrRange = { start: 1e-5, end: 10, scale: 'exponential', iterations: 100 };

/** A synthetic loss: falls around LR 0.01 (a logistic step in log LR), is lowest near 0.2, blows up beyond. */
const dip = (lr: number) => 2.3 - 1.2 / (1 + Math.exp(-2 * Math.log(lr / 0.01))) + (lr / 0.7) ** 2;

function curve(loss: (lr: number, i: number) => number, range = sixDecades): LrCurve {
  const lr = Array.from({ length: range.iterations }, (_, i) => learningRate(range, i));
  const losses = lr.map(loss);
  return { lr, loss: losses, average: smooth(losses) };
}
/** With an average that has no lag, so that the answers are those of the formula. */
const exact = ({ lr, loss }: LrCurve): LrCurve => ({ lr, loss, average: loss });

function answer(of: LrCurve, method: Method): { max_lr: number; base_lr?: number } {
  const found = suggest(of, 10).find((suggestion) => suggestion.method === method)!;
  if ('reason' in found) throw new Error(found.reason);
  return found;
}
/** Why our own methods have no answer: `recommended`, then `range`. */
const reasons = (of: LrCurve, iterations?: number) =>
  suggest(of, 10, iterations)
    .filter(({ method }) => method === 'recommended' || method === 'range')
    .map((found) => ('reason' in found ? found.reason : undefined));

/** The LR with the lowest loss. */
const bottom = ({ lr, loss }: LrCurve) => lr[loss.indexOf(Math.min(...loss))]!;
/** Neighbouring LRs of the range differ by this factor. */
const step = (10 / 1e-5) ** (1 / 99);

describe('on a smooth dip', () => {
  const made = exact(curve(dip));

  test('the recommended LR lies half way between the fastest fall and its end', () => {
    const { max_lr, why } = suggest(made, 10)[0] as { max_lr: number; why: string };
    const between = Math.sqrt(0.01 * bottom(made));
    expect(max_lr / between).toBeGreaterThan(1 / step ** 3);
    expect(max_lr / between).toBeLessThan(step ** 3);
    expect(why).toMatch(
      /^the geometric mean of 0\.0\d+, where the loss falls fastest, and 0\.\d+, where it stops falling$/,
    );
  });

  test("fastai's minimum is a tenth of the LR with the least loss", () => {
    expect(answer(made, 'minimum').max_lr).toBeCloseTo(bottom(made) / 10, 6);
  });

  test('the range ends where the loss stops falling and starts at a tenth of it', () => {
    const { max_lr, base_lr } = answer(made, 'range');
    expect(max_lr / bottom(made)).toBeGreaterThan(1 / step ** 3);
    expect(max_lr / bottom(made)).toBeLessThan(step ** 3);
    expect(base_lr).toBeCloseTo(max_lr / 10, 12);
  });
});

describe('on noisy dips', () => {
  const made = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
    const { normal } = randomStream(seed, 'synthetic');
    return curve((lr) => dip(lr) * (1 + 0.04 * normal()));
  });

  test.each<[Method, number, number]>([
    ['recommended', 0.015, 0.15],
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

test('a linear range: the fall is judged on the log axis', () => {
  const made = curve(dip, { start: 0.002, end: 0.5, scale: 'linear', iterations: 1000 });
  expect(answer(made, 'recommended').max_lr).toBeGreaterThan(0.02);
  expect(answer(made, 'recommended').max_lr).toBeLessThan(0.1);
});

test("fastai's default range gives an answer and a hint on what helps if the loss only falls to guessing", () => {
  const range = { ...sixDecades, start: 1e-7 };
  const made = [1, 2, 3, 4, 5].map((seed) => {
    const { normal } = randomStream(seed, 'synthetic');
    return curve((lr) => 2.61 - 0.31 / (1 + (0.02 / lr) ** 2) + (lr / 3) ** 2 + 0.05 * normal(), range);
  });
  for (const noisy of made) {
    const [found] = suggest(noisy, 10);
    expect(found).toMatchObject({
      caution: expect.stringMatching(/only falls to that of guessing, ln 10 = 2.30: raise --start/),
    });
    expect(answer(noisy, 'recommended').max_lr).toBeGreaterThan(0.005);
    expect(answer(noisy, 'recommended').max_lr).toBeLessThan(0.5);
  }
});

test('with a validation accuracy the range ends where it peaks', () => {
  const made = curve(dip);
  const val_acc = made.lr.map((lr) => 60 - 8 * Math.log10(lr / 0.05) ** 2);
  const peak = answer({ ...made, val_acc }, 'range').max_lr;
  expect(peak).toBeGreaterThan(0.05 / step ** 3);
  expect(peak).toBeLessThan(0.05 * step ** 3);
});

describe('no answer', () => {
  test('if the accuracy never rises, for the range only', () => {
    const made = { ...curve(dip), val_acc: Array(100).fill(10) };
    expect(reasons(made)).toEqual([undefined, expect.stringMatching(/accuracy never rises/)]);
  });

  test.each<[string, (lr: number, i: number) => number]>([
    ['only rises', (lr) => 2 + lr],
    ['never changes', () => 2.3],
    ['is NaN from the start', () => Number.NaN],
  ])('if the loss %s', (_, loss) => {
    expect(suggest(curve(loss), 10)).toHaveLength(6);
    for (const reason of reasons(curve(loss))) expect(reason).toMatch(/never falls|too few/);
  });

  test('if the loss is only noise, for nearly every seed', () => {
    const pure = Array.from({ length: 200 }, (_, seed) => {
      const { normal } = randomStream(seed, 'synthetic');
      return curve(() => 2.3 + 0.1 * normal());
    });
    const without = pure.filter((noise) => reasons(noise).every((reason) => reason?.includes('never falls')));
    expect(without.length).toBeGreaterThan(197);
  });

  describe('if a net thrown off at the start only returns to guessing', () => {
    const backTo = (level: number) => curve((lr) => level + 3 / (1 + (lr / 1e-4) ** 2));

    test('and the reason says what to try', () => {
      const expected = /never gets 2 % below that of guessing, ln 10 = 2.30: lower --start, without --linear/;
      for (const reason of reasons(backTo(0.985 * Math.log(10)))) expect(reason).toMatch(expected);
    });

    test('whose loss depends on the number of classes', () => {
      expect(suggest(backTo(2), 7)[0]).toHaveProperty('reason', expect.stringMatching('ln 7'));
      expect(suggest(backTo(2), 10)[0]).not.toHaveProperty('reason', expect.stringMatching('ln 10'));
    });
  });

  test.each([0, 1, 3, 10])('for %d points, which are too few', (iterations) => {
    const short = exact(curve((_, i) => 2 - i, { ...sixDecades, iterations }));
    expect(reasons(short)).toEqual(Array(2).fill(expect.stringMatching(/^too few points.*raise --iterations/)));
  });

  test('if the loss falls to the end', () => {
    for (const reason of reasons(exact(curve((lr) => 2 - 0.1 * Math.log10(lr)))))
      expect(reason).toMatch(/still falls at the last LR, 10: raise --end/);
  });

  test('if the test was interrupted while the loss fell', () => {
    for (const reason of reasons(exact(curve((lr) => 2 - 0.1 * Math.log10(lr))), 200))
      expect(reason).toMatch(/still falls at an LR of 10, where the curve ends before its last update$/);
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('everything after a loss of %d is ignored', (bad) => {
  const whole = curve((lr) => 2 - 0.1 * Math.log10(lr));
  const cut = curve((lr, i) => (i < 70 ? 2 - 0.1 * Math.log10(lr) : i === 70 ? bad : -5));
  expect(answer(exact(cut), 'range').max_lr).toBe(whole.lr[69]);
});

test('a loss that jumps up at the very end counts as diverged, not as still falling', () => {
  const made = curve((lr, i) => (i < 98 ? 2 - 0.1 * Math.log10(lr) : 500));
  expect(answer(exact(made), 'range').max_lr).toBeGreaterThan(made.lr[90]!);
});

test('the line stays among the points next to a loss that blows up', () => {
  const { normal } = randomStream(3, 'synthetic');
  const made = curve((lr) => (lr > 2 ? 98 : dip(lr) + 0.05 * normal()));
  const line = lossLine(made.lr, made.loss);
  expect(Math.min(...line)).toBeGreaterThan(Math.min(...made.loss) - 0.1);
  const end = made.lr.findIndex((lr) => lr > 0.15);
  for (let i = 5; i < end; i++) expect(Math.abs(line[i]! - dip(made.lr[i]!))).toBeLessThan(0.2);
});

test('3,000 updates take less than two seconds', () => {
  const long = exact(curve(dip, { ...sixDecades, iterations: 3000 }));
  const before = process.cpuUsage();
  expect(answer(long, 'recommended').max_lr).toBeCloseTo(0.034, 2);
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2);
});
