import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Halving, Rung } from '../runs/sweep-manifest.js';
import { armsLeft, rank, type ScoreAfter, shareOfCost, stepsOf } from './halving.js';

const halving: Halving = { metric: 'val_acc', min_epochs: 2, factor: 2 };

/** Validation accuracy of each arm, with seeds 1 and 2, after epochs 1, 2, ... */
const curves: Record<string, number[][]> = {
  slow: [
    [10, 20, 30, 40, 50, 60, 70, 80, 90],
    [10, 21, 31, 41, 51, 61, 71, 81, 91],
  ],
  steady: [
    [10, 40, 45, 50, 55, 60, 65, 70, 75],
    [10, 38, 44, 50, 56, 62, 65, 70, 75],
  ],
  early: [
    [30, 39, 41, 42, 43, 44, 45, 46, 47],
    [30, 41, 42, 43, 44, 45, 46, 47, 48],
  ],
  wild: [
    [50, 60, Number.NaN],
    [50, 60, 65, 66, 67, 68, 69, 70, 71],
  ],
};
const ranked = { halving, arms: Object.keys(curves), seeds: [1, 2], epochs: 9 };
const recorded: ScoreAfter = (arm, seed, epoch) => curves[arm]![seed - 1]![epoch - 1];
const score: ScoreAfter = (arm, seed, epoch) => recorded(arm, seed, epoch) ?? (arm === 'wild' ? Number.NaN : undefined);

describe('successive halving', () => {
  it('ranks after min_epochs, factor times as many and so on, until one arm is left or the runs end', () => {
    expect(stepsOf(halving, 8, 25)).toEqual([
      { epoch: 2, arms: 8, kept: 4 },
      { epoch: 4, arms: 4, kept: 2 },
      { epoch: 8, arms: 2, kept: 1 },
    ]);
    expect(stepsOf({ ...halving, min_epochs: 1, factor: 3 }, 10, 9)).toEqual([
      { epoch: 1, arms: 10, kept: 4 },
      { epoch: 3, arms: 4, kept: 2 },
    ]);
    expect(stepsOf(halving, 1, 25)).toEqual([]);
    expect(stepsOf(halving, 8, 2)).toEqual([]);
  });

  it('costs what its arms train, epoch by epoch', () => {
    const cases = fc.record({
      arms: fc.integer({ min: 1, max: 40 }),
      epochs: fc.integer({ min: 1, max: 60 }),
      min_epochs: fc.integer({ min: 1, max: 10 }),
      factor: fc.integer({ min: 2, max: 5 }),
    });
    fc.assert(
      fc.property(cases, ({ arms, epochs, ...rule }) => {
        const steps = stepsOf({ ...halving, ...rule }, arms, epochs);
        let [left, trained] = [arms, 0];
        for (let epoch = 1; epoch <= epochs; epoch++) {
          trained += left;
          left = steps.find((step) => step.epoch === epoch)?.kept ?? left;
        }
        expect(shareOfCost(steps, arms, epochs)).toBeCloseTo(trained / (arms * epochs), 12);
      }),
    );
  });

  it('keeps the best by the mean over the seeds, from recorded curves; a diverged arm is the worst', () => {
    const rungs = rank(ranked, [], score);
    expect(rungs).toEqual([
      { epoch: 2, seeds: [1, 2], scores: { slow: 20.5, steady: 39, early: 40, wild: 60 }, stopped: ['slow', 'steady'] },
      { epoch: 4, seeds: [1, 2], scores: { early: 42.5, wild: null }, stopped: ['wild'] },
    ]);
    expect(armsLeft(ranked.arms, rungs)).toEqual(['early']);
  });

  it('keeps the arms with the lowest loss; of equal arms the first', () => {
    const rule = { ...halving, metric: 'val_loss' } as const;
    expect(rank({ ...ranked, halving: rule }, [], score)[0]!.stopped).toEqual(['early', 'wild']);
    expect(rank(ranked, [], () => 50).map(({ stopped }) => stopped)).toEqual([['early', 'wild'], ['steady']]);
  });

  it('waits for the scores of every arm that is left, and then decides as if it had not waited', () => {
    const missing: ScoreAfter = (...at) => (at.join() === 'early,2,4' ? undefined : score(...at));
    const first = rank(ranked, [], missing);
    expect(first).toHaveLength(1);
    expect(rank(ranked, first, score)).toEqual(rank(ranked, [], score));
  });

  it('keeps recorded rankings, whatever the runs say now', () => {
    const before: Rung = {
      epoch: 2,
      seeds: [1, 2],
      scores: { slow: 9, steady: 8, early: 7, wild: 6 },
      stopped: ['early', 'wild'],
    };
    expect(rank(ranked, [before], score).map(({ stopped }) => stopped)).toEqual([['early', 'wild'], ['slow']]);
  });
});
