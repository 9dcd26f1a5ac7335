import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateConfig } from '../config/load.js';
import { costOf, searchSeeds, split } from './budget.js';
import { makePlan, planLines, planOf } from './plan.js';
import { races } from './races.js';
import { type Stage, stageNames } from './record.js';
import { startOf } from './settings.js';

const config = validateConfig(
  {
    epochs: 25,
    batch_size: 10,
    backend: 'wasm',
    dataset: { type: 'synthetic', train_size: 1000, val_size: 10 },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'constant', lr: 0.1 },
  },
  'a config',
);
const planFor = (epochs: number, stages: readonly Stage[]) =>
  planOf(config, epochs, { seeds: 3, stages: [...stages] }, 1, 1);

/** Epochs that the plan gives to the stages asked for, and to the random search. */
function costs(plan: ReturnType<typeof planFor>, stages: readonly Stage[]) {
  const ranges = stages.includes('lr') ? (16 * plan.range) / 100 : 0; // 6 to find the range, 10 to read; 100 updates each
  const recipe = races
    .filter(({ name }) => stages.includes(name))
    .map((race) => costOf(plan[race.name], race.arms({ ...startOf(config, []), weight_decay: 0.001 }).length, 2))
    .reduce((sum, cost) => sum + cost, ranges);
  return { recipe, random: costOf(plan.random.length, plan.random.trials, 1) };
}

describe('the plan', () => {
  it('gives the budget to the stages asked for, and as many epochs to the random search', () => {
    const plan = planFor(300, ['tail', 'check']);
    expect(split(300, 3, config)).toEqual({ check: 138, search: 81 });
    expect(plan.tail).toEqual({ epochs: 13 }); // 3 arms and 2 seeds: 78 epochs
    expect(costs(plan, ['tail', 'check'])).toEqual({ recipe: 78, random: 78 }); // 52 trials of 2 epochs, half of them of 1
  });

  it('divides it among several in the proportions of the complete recipe, but for range tests, which stay as long', () => {
    const { range, lr, wd } = planFor(600, ['lr', 'wd', 'check']); // 187.5 epochs
    expect(range).toBe(199); // 17 % of them, in 16 tests of 100 updates per epoch
    expect([lr.epochs, wd.epochs]).toEqual([3, 15]); // 10 / 52 and 42 / 52 of the rest, for 8 runs each
  });

  it('is the same for all stages as before they could be left out', () => {
    const { range, lr, momentum, wd, tail } = planFor(300, stageNames);
    expect({ range, lr: lr.epochs, momentum: momentum.epochs, wd: wd.epochs, tail: tail.epochs }).toEqual({
      ...{ range: 86, lr: 1.01, momentum: 1.06, wd: 4, tail: 1.35 }, // of 81 epochs
    });
  });

  it('never gives the recipe more than its half, and the random search what the recipe uses, less than a trial apart', () => {
    const tuned = fc.subarray([...stageNames.slice(0, -1)], { minLength: 1 });
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 3000 }), tuned, (epochs, some) => {
        const stages = [...some, 'check' as const];
        const plan = planFor(epochs, stages);
        const { recipe, random } = costs(plan, stages);
        expect(recipe).toBeLessThanOrEqual(split(epochs, 3, config).search + 16 * 0.6); // range >= 60
        if (plan.random.trials > 2) expect(random).toBeLessThanOrEqual(recipe + 1e-9);
        expect(costOf(plan.random.length, plan.random.trials + 1, 1)).toBeGreaterThan(recipe);
      }),
    );
  });

  it('of a time leaves out the starts of what is not run', async () => {
    const budget = { seconds: 100_000 }; // enough for whole epochs, however busy the machine
    const jobs = 2;
    const plan = await makePlan(config, { budget, seeds: 3, stages: ['tail'] }, { jobs });
    const runs = 3 * searchSeeds.length;
    expect(plan.epochs).toBeCloseTo((jobs * (100_000 - (3 * runs) / jobs)) / plan.epoch_seconds, 1);
    const lines = planLines({ plan, asked: { budget, seeds: 3, stages: ['tail'] }, decisions: [] }, config);
    expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(['tail']);
  });

  it.each([
    [10, /the shortest recipe takes \d+\.\d epochs, more than the budget/],
    [300, /^(?!.*the shortest)/s],
  ])('of %d epochs says if that is too little', (epochs, said) => {
    const asked = { budget: { epochs }, seeds: 3, stages: [...stageNames] };
    expect(planLines({ plan: planFor(epochs, stageNames), asked, decisions: [] }, config).join('\n')).toMatch(said);
  });

  it('is refused if there would be nothing to check', async () => {
    const asked = { budget: { epochs: 100 }, seeds: 3, stages: ['check' as const] };
    await expect(makePlan(config, asked, { jobs: 1 })).rejects.toThrow(
      expect.objectContaining({ kind: 'usage', message: expect.stringContaining('nothing to check') }),
    );
  });

  it('is refused if the weight decay is to be raced from 0', async () => {
    const none = { ...config, optimizer: { ...config.optimizer, weight_decay: 0 } };
    const asked = { budget: { epochs: 100 }, seeds: 3, stages: ['wd' as const] };
    await expect(makePlan(none, asked, { jobs: 1 })).rejects.toThrow(/multiples of the config's, which is 0/);
  });
});
