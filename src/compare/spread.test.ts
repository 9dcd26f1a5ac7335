import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeRunFolder } from '../testing/run-files.js';
import { planText } from './plan.js';
import { spreadOf } from './spread.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-spread-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder with a run per accuracy and seed, of the arms `a`, `b`, ... */
function folder(name: string, ...arms: number[][]): string {
  arms.forEach((accuracies, i) => {
    const arm = 'abc'[i]!;
    accuracies.forEach((accuracy, seed) => {
      writeRunFolder(path.join(root, name, `${arm}-${seed}`), { name: arm, seed }, accuracy);
    });
  });
  return path.join(root, name);
}

it('is the standard deviation between seeds, pooled over the arms', () => {
  const { std, origin } = spreadOf([folder('two', [90, 92], [80, 81, 82])], {});
  expect(std).toBe(1.15); // sqrt((2 + 2) / 3)
  expect(origin).toBe('standard deviation 1.15 of val_acc, from 5 runs of 2 configs');
  expect(spreadOf([folder('some-same', [90, 90, 90], [80, 82])], {}).std).toBe(0.816); // sqrt(2 / 3)
});

it('is refused if no score differs from that of another seed, rounding aside', () => {
  for (const same of [folder('same', [91.37, 91.37]), folder('all-same', [10.1, 10.1, 10.1], [55.55, 55.55, 55.55])])
    expect(() => spreadOf([same], {})).toThrow(
      expect.objectContaining({
        kind: 'data',
        message: 'val_acc is the same for all seeds of each config',
        hint: 'give --std instead of runs',
      }),
    );
});

it('leaves out scores that are not finite', () => {
  const runs = folder('not-finite', [90, 92, Number.NaN]);
  expect(spreadOf([runs], {}).std).toBe(1.41);
});

it('a plan for a difference far too small gives the seeds that it would take, or a number that they exceed', () => {
  const question = { arms: 1, alpha: 0.05, power: 0.8, maxSeeds: 40, block: 2, paired: false };
  const text = planText({ ...question, difference: 1e-8, std: 1 }, 'standard deviation 1');
  expect(text).toMatch(/number of seeds, 15697\d{13} per arm detect/);
  expect(text).toContain('at most 40 seeds per arm; too few: power 0.8 needs more than 200 (--max-seeds, or');
  expect(planText({ ...question, difference: 0.05, std: 0.3 }, '')).toContain('567 per arm');
});
