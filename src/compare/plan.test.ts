import { expect, it } from 'vitest';
import { planText } from './plan.js';

const question = { difference: 0.5, std: 0.3, arms: 1, alpha: 0.05, power: 0.8, maxSeeds: 40, block: 2, paired: false };

it('gives the seeds that a fixed number and a sweep until decided take, by the true difference', () => {
  const text = planText(question, 'standard deviation 0.3');
  expect(text).toContain('with a fixed number of seeds, 7 per arm detect the difference with power 0.8');
  expect(text).toMatch(/^until decided: blocks of 2, at most 40 seeds per arm$/m);
  expect(text).toMatch(/^ *0\.25 /m); // half the difference
});

it('names the number of seeds that the power needs if the maximum is too low', () => {
  const text = planText({ ...question, std: 1, maxSeeds: 10 }, 'standard deviation 1');
  expect(text).toMatch(
    /at most 10 seeds per arm; too few: power 0\.8 needs \d+ \(--max-seeds, or decide\.max_seeds in/,
  );
});
