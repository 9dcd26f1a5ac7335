import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../random.js';
import { sequentialDesign } from './sequential.js';
import { welch } from './statistics.js';
import { maxSeedsFor, simulate } from './studies.js';
import { fixedFinding, verdictOf } from './verdict.js';

const studies = 10_000;
const question = { best: 'high', difference: 1, alpha: 0.05, maxSeeds: 40, block: 2, paired: false } as const;
/** A bound on the observed share of studies if the true share is `p`; chance exceeds it once in a thousand tests. */
const atMost = (p: number) => p + 3.1 * Math.sqrt((p * (1 - p)) / studies);

describe('with no true difference, wrong verdicts over all looks and arms together are at most alpha', () => {
  it.each([
    ['one arm', [0], 1.2],
    ['three arms', [0, 0, 0], 1.2],
    ['an arm of a third of the spread', [0], [1.5, 0.5]],
    ['three arms of a tenth of the spread', [0, 0, 0], [1.5, 0.15, 0.15, 0.15]],
    ['an arm of three times the spread', [0], [0.5, 1.5]],
  ])('%s', (_, differences, std) => {
    const design = sequentialDesign(question, differences.length);
    expect(simulate(design, { differences, std }, studies).wrong).toBeLessThan(atMost(0.05));
  });

  it('paired by seed', () => {
    const design = sequentialDesign({ ...question, paired: true }, 1);
    const { wrong } = simulate(design, { differences: [0], std: 1 }, studies);
    expect(wrong).toBeLessThan(atMost(0.05));
    expect(wrong).toBeGreaterThan(0.04); // the levels are exact for this test
  });

  it('with a number of seeds fixed beforehand, ten arms, five seeds', () => {
    let wrong = 0;
    for (let study = 0; study < studies; study++) {
      const random = randomStream(7, 'simulation', study);
      const draw = () => Array.from({ length: 5 }, () => random.normal());
      const baseline = draw();
      const verdicts = Array.from({ length: 10 }, () =>
        verdictOf(fixedFinding(welch(draw(), baseline)!, 0.05, 10), 'high'),
      );
      if (verdicts.some((verdict) => verdict !== 'undecided')) wrong++;
    }
    expect(wrong / studies).toBeLessThan(atMost(0.05));
  });
});

describe('at the difference that matters', () => {
  it('a sweep with the seeds planned for a power of 80 % finds it that often', () => {
    const std = 0.8;
    const maxSeeds = Number(maxSeedsFor({ ...question, arms: 1 }, std, 0.8));
    const outcome = simulate(sequentialDesign({ ...question, maxSeeds }, 1), { differences: [1], std }, studies, 2);
    expect(outcome.different[0]).toBeGreaterThan(0.8 - 0.025); // maxSeedsFor simulates a thousand studies
  });

  it.each([1, 3])('%d arms are wrongly called equivalent in at most alpha of the studies', (arms) => {
    const differences = new Array<number>(arms).fill(1);
    const { wrong } = simulate(sequentialDesign(question, arms), { differences, std: 0.5 }, studies);
    expect(wrong).toBeLessThan(atMost(0.05));
  });
});

it("the README's table of expected seeds agrees with the simulation", () => {
  const page = readFileSync(new URL('README.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (1|3) \| ([\d.]+) \| \d+ \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|/gm)];
  expect(rows).toHaveLength(6);
  for (const [, arms, std, ...seeds] of rows) {
    const design = sequentialDesign(question, Number(arms));
    [0, 0.5, 1, 2].forEach((times, i) => {
      const truth = { differences: new Array<number>(Number(arms)).fill(times), std: Number(std) };
      expect(simulate(design, truth, 2000, 3).seeds[0]).toBeCloseTo(Number(seeds[i]), -0.3); // within 1
    });
  }
});
