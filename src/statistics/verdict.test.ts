import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { improvement } from './improvement.js';
import { judge, sequentialDesign, withP } from './sequential.js';
import { sequentialLevels } from './sequential-levels.js';
import { welch } from './statistics.js';
import { imageStd, otherSeedsAndImages } from './test-set.js';
import { fixedFinding, verdictOf } from './verdict.js';

const scores = (least: number, most: number) =>
  fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: least, maxLength: most });
const question = { best: 'high', difference: 2, alpha: 0.05, maxSeeds: 6, block: 2, paired: false } as const;

describe('a verdict agrees with its interval, and p is below alpha exactly if the interval excludes 0', () => {
  it('with a fixed number of seeds', () => {
    fc.assert(
      fc.property(scores(2, 8), scores(2, 8), fc.integer({ min: 1, max: 12 }), (a, b, arms) => {
        const estimate = welch(a, b);
        if (!estimate) return;
        const finding = fixedFinding(estimate, 0.05, arms);
        expect(finding.p < 0.05).toBe(finding.low > 0 || finding.high < 0);
        expect(['better', 'worse']).toContain(finding.p < 0.05 ? verdictOf(finding, 'high', 2) : 'better');
      }),
    );
  });

  it('after each look, several arms and looks together', () => {
    const design = sequentialDesign(question, 2);
    fc.assert(
      fc.property(scores(2, 6), scores(2, 6), fc.double({ min: 0, max: 60, noNaN: true }), (a, b, shift) => {
        const arm = a.map((value) => value / 20 + shift);
        const baseline = b.map((value) => value / 20);
        const { verdict, finding, seeds } = withP(design, judge(design, baseline, arm));
        if (!finding) return;
        expect(seeds).toBeLessThanOrEqual(Math.min(a.length, b.length));
        expect(finding.p < 0.05).toBe(finding.low > 0 || finding.high < 0);
        expect(verdict).toBe(verdictOf(finding, 'high', 2));
      }),
      { numRuns: 60 },
    );
  });
});

describe('the levels of looks', () => {
  it('are alpha for one look, and start with a proportional share of it for several', () => {
    expect(sequentialLevels([10], 0.05)[0]).toBeCloseTo(0.05, 8);
    const levels = sequentialLevels([2, 4, 6], 0.05);
    expect(levels[0]).toBeCloseTo(0.05 / 3, 8);
    expect(levels[2]!).toBeGreaterThan(0.05 / 3);
    expect(levels[2]!).toBeLessThan(0.05);
  });

  it('agree with a million simulated t-tests (NumPy: 20 looks, blocks of 2)', () => {
    const looks = Array.from({ length: 20 }, (_, i) => 2 * (i + 1));
    const levels = sequentialLevels(looks, 0.05);
    const simulated = { 1: 0.00254, 4: 0.004, 9: 0.007, 14: 0.01087, 19: 0.01465 };
    for (const [look, level] of Object.entries(simulated)) expect(levels[Number(look)]! / level).toBeCloseTo(1, 1);
  });
});

describe('an arm in a sequential sweep', () => {
  const design = sequentialDesign(question, 1);
  it('diverges if none of its seeds has a score, and gets no more', () => {
    const { verdict, seeds } = judge(design, [60, 61, 60, 61], [undefined, undefined, undefined, undefined]);
    expect([verdict, seeds]).toEqual(['diverges', 2]);
    expect(judge(design, [undefined, undefined], [60, 61]).verdict).toBe('baseline diverges');
  });

  it('is not looked at before both arms have all seeds of the look', () => {
    expect(judge(design, [60, 61], [90]).looks).toBe(0);
  });
});

describe('the probability of improvement', () => {
  it('is the Mann-Whitney share of wins, ties counted half, with an interval that contains it', () => {
    expect(improvement([3, 4], [1, 3], 'high', 0.05)!.probability).toBe(0.875);
    expect(improvement([3, 4], [1, 3], 'low', 0.05)!.probability).toBe(0.125);
    const { probability, low, high } = improvement([5, 6, 7], [1, 2, 3], 'high', 0.05)!;
    expect([probability, high]).toEqual([1, 1]);
    expect(low).toBeGreaterThan(0.4);
    expect(low).toBeLessThan(0.7);
  });
});

describe('the test set', () => {
  /** Runs that are right on about 70 % of the images, each on different ones. */
  const runs = (n: number, shift = 0) =>
    Array.from({ length: n }, (_, run) =>
      Uint8Array.from({ length: 2000 }, (_, x) => Number(((x * 7919 + (run + shift) * 104729) % 1000) / 1000 < 0.7)),
    );

  it('explains the spread of runs that differ by chance image by image: sqrt(p (1 - p) / N)', () => {
    const same = [1, 1, 1].map(() => Uint8Array.from([1, 0, 1, 1]));
    expect(imageStd(same)).toBe(0);
    expect(imageStd([Uint8Array.from([1, 0]), Uint8Array.from([0, 0])])).toBeCloseTo((100 * Math.sqrt(0.5)) / 2, 12);
    expect(imageStd([Uint8Array.from([1, 0])])).toBeNaN();
  });

  it('gives an interval around the difference, the same each time, from three seeds on', () => {
    const [a, b] = [runs(4), runs(4, 50).map((run) => run.map((right, x) => (x % 10 === 0 ? 0 : right)))];
    const { low, high } = otherSeedsAndImages(a, b, 0.05)!;
    const accuracy = (all: Uint8Array[]) =>
      all.reduce((sum, run) => sum + run.reduce((s, r) => s + r, 0), 0) / all.length / 20;
    const difference = accuracy(a) - accuracy(b);
    expect(low).toBeLessThan(difference);
    expect(high).toBeGreaterThan(difference);
    expect(otherSeedsAndImages(a, b, 0.05)).toEqual({ low, high });
    expect(otherSeedsAndImages(a.slice(0, 2), b, 0.05)).toBeUndefined();
  });
});
