import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { validateConfig } from '../config/load.js';
import type { FinderRow } from '../runs/finder-columns.js';
import { checkArmName } from '../sweep/plan.js';
import { writeRunFolder } from '../testing/run-files.js';
import { checkLength, costOf, longest, parseBudget, randomTrials, shares, split } from './budget.js';
import { toHtml, toMarkdown } from './page/blocks.js';
import { winner } from './race.js';
import { races, randomSettings } from './races.js';
import { chooseDecay, type Reading, read } from './range.js';
import { momentumOf, onTestImages, scheduleOf, startOf } from './settings.js';

describe('the budget', () => {
  it('is a time or a number of epochs', () => {
    expect(['90s', '30m', '1.5h', '300epochs', '1 epoch'].map(parseBudget)).toEqual([
      ...[{ seconds: 90 }, { seconds: 1800 }, { seconds: 5400 }],
      ...[{ epochs: 300 }, { epochs: 1 }],
    ]);
    for (const text of ['', '0h', '5', '2 days', '-1h', 'h']) expect(() => parseBudget(text)).toThrow(/--budget/);
  });

  it('is split completely; the random search gets as much as the recipe, the check no more than it can use', () => {
    expect(Object.values(shares).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(split(100, 3, { epochs: 25 })).toEqual({ check: 46, search: 27 });
    expect(split(700, 3, { epochs: 25 })).toEqual({ check: 225, search: 237.5 });
  });

  it('is never exceeded by the runs of a race, nor by random trials, of at least a fiftieth of an epoch each', () => {
    const cases = fc.record({
      budget: fc.double({ min: 10, max: 2000, noNaN: true }),
      arms: fc.integer({ min: 2, max: 9 }),
    });
    fc.assert(
      fc.property(cases, fc.boolean(), ({ budget, arms }, halves) => {
        const length = longest(budget, arms, 2, 25, halves);
        expect(costOf(length, arms, 2)).toBeLessThanOrEqual(budget + 1e-9);
        expect(length.epochs).toBeLessThanOrEqual(25);
        const random = randomTrials(budget, length, 25);
        if (random.trials > 2) expect(costOf(random.length, random.trials, 1)).toBeLessThanOrEqual(budget + 1e-9);
      }),
    );
  });

  it('gives the check whole epochs, at least one and no more than the config has', () => {
    expect([1000, 230, 100, 4.5].map((left) => checkLength(left, 9, { epochs: 25 }))).toEqual([25, 25, 11, 1]);
  });
});

/** A test of 200 updates up to LR 1, with the given accuracy at each LR. */
function rows(accuracy: (lr: number) => number): FinderRow[] {
  return Array.from({ length: 200 }, (_, iteration) => {
    const lr = (iteration + 1) / 200;
    const noise = 4 * Math.sin(iteration * 12.9898); // of a batch
    const common = {
      curve: 1,
      momentum: 0.9,
      weight_decay: 0,
      batch_size: 128,
      seed: 1,
      loss: 1,
      smoothed: 1,
      val_loss: 1,
    };
    return { ...common, iteration, lr, val_acc: accuracy(lr) + noise };
  });
}

describe('a range test', () => {
  it('is read where the accuracy stops rising: neither further along the plateau nor where it falls', () => {
    const reading = read(
      rows((lr) => (lr < 0.3 ? 10 + 150 * lr : lr < 0.8 ? 55 : 15)),
      10,
    )!;
    expect(reading.lr).toBeGreaterThan(0.25);
    expect(reading.lr).toBeLessThan(0.36);
    expect(reading.peak).toBeGreaterThan(53);
  });

  it('has no reading if the net learns nothing', () => {
    expect(
      read(
        rows(() => 10),
        10,
      ),
    ).toBeUndefined();
  });

  it('is read for two classes too, where no accuracy is twice that of guessing', () => {
    const learning = rows((lr) => (lr < 0.3 ? 50 + 80 * lr : 74));
    expect(read(learning, 2)!.lr).toBeGreaterThan(0.2);
    const guessing = rows(() => 50);
    expect(read(guessing, 2)).toBeUndefined();
  });

  it('ignores what comes after a loss that is not finite', () => {
    const exploding = rows((lr) => 10 + 40 * lr).map((row) => (row.lr > 0.5 ? { ...row, loss: Number.NaN } : row));
    expect(read(exploding, 10)!.lr).toBeLessThanOrEqual(0.5);
  });

  it('gives, among several, the largest weight decay near the highest peak, and the geometric mean of its LRs', () => {
    const reading = (lr: number, peak: number): Reading => ({ lr, peak, error: 1 });
    const tests = [
      { weight_decay: 0.01, readings: [reading(0.1, 50), reading(0.2, 40)] },
      { weight_decay: 0.001, readings: [reading(0.1, 47), reading(0.4, 46)] },
      { weight_decay: 0.0001, readings: [reading(0.3, 90), undefined] },
    ];
    expect(chooseDecay(tests)).toEqual({ weight_decay: 0.01, max_lr: 0.14, low: 0.1, high: 0.2 });
    tests[1]!.readings = [reading(0.1, 49), reading(0.4, 46)]; // 2.5 above: the difference has an error of 1
    expect(chooseDecay(tests)).toEqual({ weight_decay: 0.001, max_lr: 0.2, low: 0.1, high: 0.4 });
    expect(() => chooseDecay(tests.slice(2))).toThrow('the net learns nothing');
  });
});

describe('a race', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'clr-race-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const race = (name: string, arms: Record<string, (number | undefined)[]>) => {
    Object.entries(arms).forEach(([arm, scores], i) => {
      for (const [seed, score] of scores.entries()) {
        const config = { name: arm, seed: seed + 1, schedule: { type: 'constant', lr: i + 1 } };
        const folder = path.join(root, name, arm, `seed-${seed + 1}`);
        writeRunFolder(folder, config, score, score === undefined ? 'diverged' : 'completed');
      }
    });
    return winner(path.join(root, name));
  };

  it('is not won by an arm of which a seed diverged, unless there is no other', () => {
    expect(race('half', { high: [80.1, undefined], low: [80, 79.9] })).toEqual({
      arm: 'low',
      sure: expect.stringMatching(
        /^best mean accuracy 79\.95 %; next is high, 80\.10 %; high: no test possible: .* it has one$/,
      ),
    });
    expect(race('both', { a: [80, undefined], b: [undefined, undefined] })).toEqual({
      arm: 'a',
      sure: 'best mean accuracy 80.00 %; the others diverged or were stopped early',
    });
    expect(race('alone', { a: [80, 81] }).sure).toBe('best mean accuracy 80.50 %; the only arm');
  });
});

describe('the arms', () => {
  const current = { max_lr: 0.4, weight_decay: 0.001, max_momentum: 0.95, min_momentum: 0.85, tail: 10 };

  it('of each race have names that folders can have, and change only what the race tunes', () => {
    const changed = races.map((race) => {
      const arms = race.arms(current);
      for (const { name } of arms) expect(checkArmName(name)).toBe(name);
      const keys = Object.keys(current) as (keyof typeof current)[];
      return keys.filter((key) => new Set(arms.map(({ settings }) => settings[key])).size > 1).join();
    });
    expect(changed).toEqual(['max_lr', 'max_momentum,min_momentum', 'weight_decay', 'tail']);
    expect(races[2]!.arms(current).map(({ settings }) => settings.weight_decay)).toEqual([0.001, 0.0003, 0.003, 0.01]);
  });

  it('of the random search are the same every time, and within their ranges', () => {
    const trials = randomSettings(200);
    expect(randomSettings(3)).toEqual(trials.slice(0, 3));
    for (const { settings } of trials) {
      expect(settings.max_lr).toBeGreaterThanOrEqual(1e-4);
      expect(settings.max_lr).toBeLessThanOrEqual(10);
      expect([0, 0.1]).toContain(Number((settings.max_momentum - settings.min_momentum).toFixed(6)));
    }
  });

  it('are one cycle each, with a momentum that is cycled or constant', () => {
    expect(scheduleOf(current)).toEqual({
      type: 'clr-beta',
      max_lr: 0.4,
      div: 10,
      pct: 10,
      max_momentum: 0.95,
      min_momentum: 0.85,
    });
    expect(scheduleOf({ ...current, min_momentum: 0.95 })).toMatchObject({ momentum: 0.95 });
  });
});

describe('the start', () => {
  const config = (schedule: object, dataset = {}) =>
    validateConfig(
      { epochs: 2, model: { type: 'resnet', depth: 8 }, dataset: { type: 'cifar10', ...dataset }, schedule },
      'a config',
    );

  it("has the config's momentum, or the paper's cycle if momentum is to be tuned", () => {
    const constant = config({ type: 'constant', lr: 0.2, momentum: 0.8 });
    expect(startOf(constant, ['lr'])).toMatchObject({ max_lr: 0.2, max_momentum: 0.8, min_momentum: 0.8 });
    expect(startOf(constant, ['lr', 'momentum'])).toMatchObject({ max_momentum: 0.95, min_momentum: 0.85 });
    const cycled = config({ type: 'clr-beta', max_lr: 1, max_momentum: 0.9, min_momentum: 0.7 });
    expect(startOf(cycled, [])).toMatchObject({ max_lr: 1, max_momentum: 0.9, min_momentum: 0.7 });
  });

  it('has a momentum that is told in the words of the recipe, whatever the schedule', () => {
    const told = (schedule: object) => momentumOf(config(schedule).schedule);
    const cycle = { type: 'clr-beta', max_lr: 1, max_momentum: 0.95, min_momentum: 0.8 };
    expect([told(cycle), told({ ...cycle, momentum: 'anti-cyclic' })]).toEqual(['0.95-0.8', '0.8-0.95']);
    expect(told({ ...cycle, momentum: 0.7 })).toBe('0.7');
    expect(told({ type: 'constant', momentum: { demon: 0.9 } })).toBe('0.9-0');
    expect(told({ type: 'phases', phases: [{ lr: [0.1, 1] }] })).toBeUndefined();
  });

  it('holds images out in the search, but not in the check', () => {
    const { dataset } = onTestImages(config({ type: 'constant' }, { holdout: 5000, train_limit: 100 }));
    expect(dataset).toEqual({ type: 'cifar10', train_limit: 100 });
  });
});

it('the page has the same content as Markdown and as HTML, which escapes text', () => {
  const blocks = [
    { heading: 'a & b', level: 2 as const },
    { text: '<script>' },
    { head: ['x'], body: [['1 | 2']] },
    { items: ['one'] },
  ];
  expect(toMarkdown(blocks)).toBe('## a & b\n\n<script>\n\n| x |\n| --- |\n| 1 \\| 2 |\n\n- one\n');
  expect(toHtml(blocks).source).toMatch(/<h2>a &amp; b<\/h2>\s*<p>&lt;script&gt;<\/p>[\s\S]*<li>one<\/li>/);
});
