import { describe, expect, it } from 'vitest';
import { maxSeedsFor } from './studies.js';

const question = { best: 'high', difference: 1, alpha: 0.05, maxSeeds: 40, block: 2, paired: false, arms: 1 } as const;

describe('the seeds that a sequential design needs', () => {
  it('are somewhat more than those of a fixed design, which needs 12', () => {
    const needed = maxSeedsFor(question, 0.8, 0.8);
    expect(needed).toBeGreaterThanOrEqual(14); // a sixth more
    expect(needed).toBeLessThanOrEqual(16); // a third more
  });

  it.each([6, 1e8])('are given as more than 200, without a simulation, at a std of %d', (std) => {
    const begun = performance.now();
    expect(maxSeedsFor(question, std, 0.8)).toBe('more than 200'); // a fixed design needs 567 at a std of 6
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('are searched up to `maxSeeds` if that is more, and up to one block', () => {
    expect(maxSeedsFor({ ...question, maxSeeds: 300 }, 1e8, 0.8)).toBe('more than 300');
    expect(maxSeedsFor({ ...question, block: 250 }, 0.8, 0.8)).toBe(250);
  });
});
