import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { compare } from '../compare/comparison.js';
import { listRuns } from '../runs/overview.js';
import { readMetrics } from '../runs/read-run.js';
import { readRuns } from '../runs/read-runs.js';
import { isDone, type SweepRun } from '../runs/sweep-manifest.js';
import type { Judgement } from '../statistics/sequential.js';
import { lockFolder, lockHolder } from '../system/lock.js';
import { clearAway, nextStep, readManifest, refresh, writeArms, writeManifest } from './manifest.js';
import { parseSeeds, readSweep } from './plan.js';
import { secondsByStepTimes } from './step-times.js';
import { estimate, runSweep } from './sweep.js';
import { wantedRuns } from './wanted.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-sweep-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const base = {
  epochs: 1,
  batch_size: 10,
  backend: 'wasm',
  dataset: { type: 'synthetic', train_size: 20, val_size: 10 },
  model: { type: 'resnet', depth: 8 },
  optimizer: { type: 'sgd' },
  expected: { val_acc: 90 },
  schedule: { type: 'constant', lr: 0.1, momentum: 0.9 },
};
writeFileSync(path.join(root, 'base.json'), JSON.stringify(base));

/** A sweep file with these keys. */
function sweepFile(name: string, keys: object): string {
  const file = path.join(root, `${name}.json`);
  writeFileSync(file, JSON.stringify({ name, base: 'base.json', ...keys }, null, 2));
  return file;
}

describe('the plan', () => {
  it('is every arm with every combination of the grid, each with every seed', () => {
    const grid = { 'schedule.lr': [0.1, 0.2], 'optimizer.nesterov': [true, false] };
    const plan = readSweep(sweepFile('grid', { seeds: 2, arms: { a: {}, b: { schedule: { momentum: 0.8 } } }, grid }));
    expect(plan.seeds).toEqual([1, 2]);
    expect(plan.arms).toHaveLength(8);
    const last = plan.arms.at(-1)!;
    expect(last.name).toBe('b,lr=0.2,nesterov=false');
    expect(last.config).toMatchObject({
      name: last.name,
      schedule: { lr: 0.2, momentum: 0.8 },
      optimizer: { nesterov: false },
    });
  });

  it('names a combination by whole keys if their last parts are the same', () => {
    const plan = readSweep(
      sweepFile('keys', { grid: { 'schedule.type': ['constant'], 'dataset.type': ['synthetic'] } }),
    );
    expect(plan.arms.map((arm) => arm.name)).toEqual(['schedule.type=constant,dataset.type=synthetic']);
  });

  it('gives each seed its own value of a varied key, and refuses lists of another length', () => {
    const vary = { batch_size: [5, 10, 20] };
    const plan = readSweep(sweepFile('vary', { seeds: [7, 8, 9], vary, arms: { a: {}, b: { 'schedule.lr': 1 } } }));
    expect(plan.arms.map(({ config }) => [config.batch_size, config.varies])).toEqual([
      [10, ['batch_size']],
      [10, ['batch_size']],
    ]);
    const { planned } = readManifest(path.join(root, 'vary'), plan);
    expect(planned.slice(0, 3).map((run) => run.varied)).toEqual([5, 10, 20].map((n) => ({ batch_size: n })));
    expect(() => readSweep(sweepFile('short', { seeds: 2, vary }))).toThrow(
      'vary.batch_size needs a value for each of the 2 seeds (it has 3)',
    );
    for (const place of [{ grid: { seed: [1, 2] } }, { arms: { a: { seed: 3 } } }, { vary: { seed: [1, 2] } }])
      expect(() => readSweep(sweepFile('seeded', { seeds: 2, ...place }))).toThrow(
        /\.seed: an arm has no seed of its own/,
      );
    expect(() => readSweep(sweepFile('named', { arms: { a: { name: 'b' } } }))).toThrow(
      /arms\.a\.name: an arm has no name of its own/,
    );
    expect(() => readSweep(sweepFile('zero', { vary: { batch_size: [0] } }))).toThrow(
      /zero\.json:\d+: batch_size: must be at least 1/,
    );
  });

  it("keeps what the base's source reports only for the arm that changes nothing", () => {
    const { arms } = readSweep(sweepFile('reported', { arms: { same: {}, other: { 'schedule.lr': 1 } } }));
    expect(arms.map((arm) => arm.config.expected?.val_acc)).toEqual([90, undefined]);
  });

  it('takes settings for all arms, seeds and a name from the command line; a sweep that has begun with others is refused', () => {
    const file = sweepFile('flags', { seeds: 2, arms: { a: {}, b: { 'schedule.lr': 0.5 } } });
    const plan = readSweep(file, { config: { flags: { '--epochs': 'epochs=3' } }, name: 'other', seeds: '4,5' });
    expect(plan).toMatchObject({ name: 'other', seeds: [4, 5] });
    expect(plan.arms.map(({ config }) => config.epochs)).toEqual([3, 3]);
    const directory = path.join(root, 'flags');
    writeArms(directory, plan);
    expect(() => readManifest(directory, readSweep(file))).toThrow(/the config of arm "a" has changed .* in epochs/);
    expect(readManifest(directory, { ...plan, seeds: [4, 5, 6] }).planned).toHaveLength(6);
  });

  it('accepts an arm without overrides', () => {
    const { arms } = readSweep(sweepFile('empty', { arms: { same: null } }));
    expect(arms.map(({ name }) => name)).toEqual(['same']);
  });

  it.each([
    ['misspelt', { seds: 5 }, /misspelt\.json:4: unknown key "seds", did you mean "seeds"\?/],
    ['seedless', { seeds: 0 }, /seedless\.json:4: seeds: must be at least 1/],
    ['twice', { seeds: [3, 3] }, /seed 3 is listed twice/],
    ['dots', { arms: { '../up': {} } }, /arms/],
    ['bad-arm', { arms: { a: { 'schedule.lrr': 2 } } }, /bad-arm\.json:6: unknown key "schedule\.lrr"/],
    ['same', { grid: { 'schedule.lr': [1, 1] } }, /two arms are called "lr=1"/],
    ['long', { grid: { 'model.init': ['x'.repeat(120)] } }, /arm "init=x+": the name must be 1 to 100/],
    ['arm-manifest', { arms: { 'sweep.json': {} } }, /must not be that of a sweep's own file/],
    ['arm-lock', { arms: { 'lock-a-1-2': {} } }, /must not be that of a sweep's own file/],
    ['arm-temporary', { arms: { 'x.12345678.tmp': {} } }, /must not be that of a sweep's own file/],
  ])('refuses a sweep that is %s', (name, keys, message) => {
    expect(() => readSweep(sweepFile(name, keys))).toThrow(message);
  });

  it('is distinguished from an experiment, for which the hint names clr run', () => {
    const file = 'configs/quickstart.json';
    const refused = { message: `${file} is the config of an experiment, not a sweep`, hint: `clr run ${file}` };
    expect(() => readSweep(file)).toThrow(expect.objectContaining(refused));
  });

  it('can be read from the example', () => {
    const { arms, seeds } = readSweep('configs/sweeps/momentum.yaml');
    expect([arms.length, seeds.length]).toEqual([4, 3]);
  });

  it.each(readdirSync('configs/sweeps'))(
    '%s names the schema that editors read, which knows each of its keys',
    (name) => {
      const file = path.join('configs/sweeps', name);
      const text = readFileSync(file, 'utf8');
      const named = /\$schema[:=]\s*['"]?([\w./-]+)/.exec(text)![1]!;
      const { properties, additionalProperties } = JSON.parse(readFileSync(path.join('configs/sweeps', named), 'utf8'));
      expect(additionalProperties).toBe(false);
      expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(parseYaml(text))));
    },
  );

  it('takes a number of seeds or a list of them', () => {
    expect(parseSeeds('3')).toEqual([1, 2, 3]);
    expect(parseSeeds('3,7, 11')).toEqual([3, 7, 11]);
    for (const text of ['', '0', 'x', '1,,2', '1.5', '-1', '4294967296,1', '2,2'])
      expect(() => parseSeeds(text)).toThrow(/seed/);
  });
});

describe('a sweep until it is decided', () => {
  const decide = { difference: 1, max_seeds: 6 };
  const plan = readSweep(sweepFile('until', { decide, arms: { a: {}, b: {}, c: {} } }), { until: 'decided' });
  const run = (arm: string, seed: number, status: SweepRun['status'] = 'pending'): SweepRun => {
    return { arm, seed, directory: `${arm}/seed-${seed}`, status };
  };
  const all = ['a', 'b', 'c'].flatMap((arm) => [1, 2, 3, 4, 5, 6].map((seed) => run(arm, seed)));
  const due = (standing: [string, string, number, number][]) => {
    const judged = standing.map(([arm, verdict, looks, seeds]) => [arm, { verdict, looks, seeds, finding: undefined }]);
    const wanted = wantedRuns(plan, all, new Map(judged as [string, Judgement][]));
    return wanted.filter((run) => !isDone(run)).map(({ directory }) => directory);
  };

  it('takes the first arm as the baseline, and lists all seeds that it may use', () => {
    expect(plan.question).toMatchObject({ metric: 'val_acc', baseline: 'a', difference: 1, alpha: 0.05, block: 2 });
    expect(plan.seeds).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('gives the next block to the arms that are undecided, and as many seeds to the baseline', () => {
    const first = due([
      ['b', 'undecided', 0, 0],
      ['c', 'undecided', 0, 0],
    ]);
    expect(first).toEqual(['a', 'b', 'c'].flatMap((arm) => [`${arm}/seed-1`, `${arm}/seed-2`]));
    const second = due([
      ['b', 'better', 1, 2],
      ['c', 'undecided', 1, 2],
    ]);
    expect(second).toContain('c/seed-4');
    expect(second).not.toContain('b/seed-3');
    expect(second).toContain('a/seed-4');
  });

  it('ends when all arms are decided or have all seeds', () => {
    const done = all.map((one): SweepRun => ({ ...one, status: 'completed' }));
    const judgement = { verdict: 'undecided', looks: 3, seeds: 6, finding: undefined } as const;
    expect(wantedRuns(plan, done, new Map([['b', judgement]])).filter((run) => !isDone(run))).toEqual([]);
  });

  it.each([
    ['no-question', {}, /--until decided needs a question: `decide`/],
    ['no-arm', { decide, arms: { a: {} } }, /there is only one arm/],
    ['misnamed', { decide: { ...decide, baseline: 'd' }, arms: { a: {}, dd: {} } }, /no arm is called "d"/],
    ['few', { decide, seeds: [1, 2], arms: { a: {}, b: {} } }, /only 2 are listed, but decide.max_seeds is 6/],
  ])('refuses a file with %s', (name, keys, message) => {
    expect(() => readSweep(sweepFile(name, keys), { until: 'decided' })).toThrow(message);
  });

  it('does not continue with a question that has changed since its runs began', () => {
    const directory = path.join(root, 'changed-question');
    mkdirSync(directory);
    writeManifest(directory, plan, { runs: [run('a', 1, 'pending')], others: [], rungs: [] }); // as it was submitted
    const asked = (change: object) => ({ ...plan, question: { ...plan.question!, ...change } });
    expect(() => readManifest(directory, asked({ alpha: 0.2 }))).not.toThrow();
    mkdirSync(path.join(directory, 'a/seed-1'), { recursive: true });
    writeFileSync(path.join(directory, 'a/seed-1/summary.json'), '{"status": "completed"}');
    expect(() => readManifest(directory, asked({ alpha: 0.2 }))).toThrow(/its runs began with another question/);
    expect(() => readManifest(directory, asked({ std: 0.3 }))).not.toThrow(); // only plans
    for (const change of [{ arms: plan.arms.slice(0, 2) }, { seeds: [11, 12, 13, 14, 15, 16] }])
      expect(() => readManifest(directory, { ...plan, ...change })).toThrow(
        /its question was asked of other arms or seeds: arms a, b, c; seeds 1, 2, 3, 4, 5, 6$/,
      );
  });
});

describe('a sweep with halving', () => {
  const halving = { min_epochs: 1 };
  const arms = { a: {}, b: { 'schedule.lr': 0.2 }, c: { 'schedule.lr': 0.3 } };

  it('defaults to val_acc, one epoch and half of the arms', () => {
    const plan = readSweep(sweepFile('halved', { halving: {}, arms }));
    expect(plan.halving).toEqual({ metric: 'val_acc', min_epochs: 1, factor: 2 });
  });

  it('is refused if arms differ in length, and with --until decided', () => {
    const uneven = sweepFile('uneven', { halving, arms: { a: {}, b: { epochs: 2 } } });
    expect(() => readSweep(uneven)).toThrow('halving: the arms differ in epochs: 1, 2');
    const asked = sweepFile('asked', { halving, decide: { difference: 1 }, arms });
    expect(() => readSweep(asked, { until: 'decided' })).toThrow('halving cannot be combined with --until decided');
  });

  it('accepts no other arms or seeds once arms are ranked', () => {
    const directory = path.join(root, 'ranked');
    mkdirSync(directory);
    const plan = readSweep(sweepFile('ranked', { halving, seeds: 2, arms }));
    const rung = { epoch: 1, seeds: [1, 2], scores: { a: 10, b: 20, c: 30 }, stopped: ['a'] };
    writeManifest(directory, plan, { runs: [], others: [], rungs: [rung] });
    expect(readManifest(directory, plan).rungs).toEqual([rung]);
    for (const [change, what] of [
      [{ seeds: [1, 2, 3] }, 'seeds'],
      [{ arms: plan.arms.slice(1) }, 'arms'],
      [{ halving: undefined }, 'halving'],
    ] as [Partial<typeof plan>, string][])
      expect(() => readManifest(directory, { ...plan, ...change })).toThrow(`ranked (halving) with different ${what}`);
  });
});

describe('the manifest', () => {
  const directory = path.join(root, 'manifest');
  const plan = readSweep(sweepFile('states', { seeds: 5, arms: { a: {} } }));
  const folder = (seed: number) => path.join(directory, 'a', `seed-${seed}`);
  const write = (seed: number, status: string) => {
    mkdirSync(folder(seed), { recursive: true });
    writeFileSync(path.join(folder(seed), 'config.json'), '{}');
    writeFileSync(path.join(folder(seed), 'summary.json'), JSON.stringify({ status, seconds: 10 * seed }));
  };
  writeArms(directory, plan);

  it('tells from the folders which runs are done, to resume, to wait for and to start', () => {
    write(1, 'completed');
    write(2, 'running');
    write(3, 'diverged');
    write(4, 'running');
    const unlock = lockFolder(folder(4));
    const { planned } = readManifest(directory, plan);
    expect(planned.map((run) => run.status)).toEqual(['completed', 'interrupted', 'diverged', 'running', 'pending']);
    expect(planned.map((run) => nextStep(directory, run))).toEqual(['nothing', 'resume', 'nothing', 'wait', 'start']);
    unlock();
    for (const seed of [1, 2]) writeFileSync(path.join(folder(seed), 'lock-gone.example-7-99'), '');
    expect(planned.slice(0, 2).map((run) => nextStep(directory, run))).toEqual(['nothing', 'locked']);
    expect(nextStep(directory, planned[1]!, { takeOver: true })).toBe('resume');
    for (const seed of [1, 2]) rmSync(path.join(folder(seed), 'lock-gone.example-7-99'));
    expect(estimate(planned, 1)).toBe(30);
    expect(estimate(planned, 2)).toBe(20);
    expect(estimate(planned.slice(1), 1)).toBeUndefined();
  });

  it('repeats what failed, and keeps the folder of the failure', () => {
    write(5, 'failed');
    const failed = refresh(directory, { arm: 'a', seed: 5, directory: 'a/seed-5', status: 'pending' });
    expect(failed.status).toBe('failed');
    expect(nextStep(directory, failed)).toBe('start');
    clearAway(directory, failed);
    expect([folder(5), `${folder(5)}.failed`].map(existsSync)).toEqual([false, true]);
  });

  it('is refused where a run or a file is', () => {
    expect(() => readManifest(folder(1), plan)).toThrow(
      /seed-1 is the folder of a run or of a clr tune, not of a sweep/,
    );
    expect(() => readManifest(path.join(folder(1), 'config.json'), plan)).toThrow(/config\.json is a file/);
  });

  it('keeps the runs of seeds that are no longer requested', () => {
    const { planned } = readManifest(directory, plan);
    writeManifest(directory, plan, { runs: planned, others: [], rungs: [] });
    const { planned: fewer, others } = readManifest(directory, { ...plan, seeds: [1, 9] });
    expect(fewer.map((run) => [run.seed, run.status])).toEqual([
      [1, 'completed'],
      [9, 'pending'],
    ]);
    expect(others.map((run) => run.seed)).toEqual([2, 3, 4, 5]);
  });

  it('refuses values of a varied key other than those that a run began with', () => {
    const vary = (values: number[]) => readSweep(sweepFile('varied', { seeds: 2, vary: { batch_size: values } }));
    const begun = path.join(root, 'varied');
    mkdirSync(begun);
    const first = vary([5, 10]);
    writeManifest(begun, first, { runs: readManifest(begun, first).planned, others: [], rungs: [] });
    expect(() => readManifest(begun, vary([5, 20]))).toThrow(
      /seed-2 began with {"batch_size":10}, but `vary` has changed/,
    );
  });

  it.each([
    ['{}', /sweep\.json: runs: /],
    ['[]', /sweep\.json: it: /],
    ['{"runs": [{}]}', /sweep\.json: runs\.0\.arm: /],
  ])('is damaged if it holds %s, and the error names the key', (text, message) => {
    const damaged = path.join(root, 'damaged');
    mkdirSync(damaged, { recursive: true });
    writeFileSync(path.join(damaged, 'sweep.json'), text);
    expect(() => readManifest(damaged, plan)).toThrow(message);
  });

  it('refuses to mix runs of two configs in an arm', () => {
    const changed = { ...plan, arms: plan.arms.map((arm) => ({ ...arm, config: { ...arm.config, epochs: 7 } })) };
    expect(() => readManifest(directory, changed)).toThrow(
      /the config of arm "a" has changed since its runs began, in epochs/,
    );
  });
});

it('the time of a sweep without a finished run is estimated from the number of updates of each arm', async () => {
  const arms = { one: {}, ten: { epochs: 10, 'schedule.lr': 1 }, capped: { epochs: 10, max_iterations: 3 } };
  const plan = readSweep(sweepFile('times', { seeds: 2, arms }));
  const { planned } = readManifest(path.join(root, 'times'), plan);
  const [all, one] = [planned, planned.slice(0, 1)]; // two updates per epoch
  const seconds = await secondsByStepTimes(plan, all, undefined);
  expect(seconds).toBeGreaterThan(2 * (2 + 20 + 3) * 1e-4);
  expect(seconds).toBeLessThan(60);
  const rest = all.map((run, i): SweepRun => ({ ...run, status: i === 0 ? 'pending' : 'completed' }));
  expect(await secondsByStepTimes(plan, rest, undefined)).toBeLessThan(seconds);
  expect(
    await secondsByStepTimes(
      plan,
      one.map((run) => ({ ...run, status: 'diverged' })),
      undefined,
    ),
  ).toBe(0);
}, 60_000);

it('a run that cannot be started ends the sweep, but only after the running ones; no other is started', async () => {
  const directory = path.join(root, 'broken');
  const plan = readSweep(sweepFile('broken', { arms: { bad: {}, good: {}, later: {} } }));
  mkdirSync(path.join(directory, 'bad/seed-1.log'), { recursive: true }); // where the log of the run would be
  const signal = new AbortController().signal;
  await expect(runSweep(plan, { directory, jobs: 2, cache: root, signal })).rejects.toThrow(/EISDIR/);
  const { runs } = JSON.parse(readFileSync(path.join(directory, 'sweep.json'), 'utf8')) as { runs: SweepRun[] };
  expect(runs.map((run) => run.status)).toEqual(['running', expect.stringMatching(/completed|failed/), 'pending']);
  expect(lockHolder(directory)).toBeUndefined();
}, 60_000);

describe('a sweep', () => {
  const built = existsSync(new URL('../../dist/cli.js', import.meta.url));
  if (!built) console.log('no sweep is run: the program is not built');

  it.skipIf(!built)(
    'trains each seed with its own value of a varied key; a comparison shows the runs as one row',
    async () => {
      const directory = path.join(root, 'varying');
      const plan = readSweep(sweepFile('varying', { seeds: 2, vary: { batch_size: [5, 10] } }));
      const signal = new AbortController().signal;
      await runSweep(plan, { directory, jobs: 2, cache: root, signal });
      const { rows } = compare(readRuns([directory]).runs, [], { metric: 'val_acc' });
      expect(rows.map((row) => [row.config, row.n])).toEqual([['varying', 2]]);
      const sizes = readRuns([directory]).runs.map((run) => run.settings.batch_size);
      expect(sizes).toEqual([5, 10]);
    },
    60_000,
  );

  it.skipIf(!built)(
    'with halving stops the arms that are behind, says so in every table, and completes the others',
    async () => {
      const directory = path.join(root, 'halving');
      const halving = { min_epochs: 1 };
      const arms = { a: {}, b: { 'schedule.lr': 0.2 }, c: { 'schedule.lr': 1e6 } };
      const file = sweepFile('halving', { halving, arms });
      const plan = readSweep(file, { config: { flags: { '--epochs': 'epochs=4' } } });
      const signal = new AbortController().signal;
      const runs = await runSweep(plan, { directory, jobs: 2, cache: root, signal });
      const { rungs } = readManifest(directory, plan);
      expect(rungs.map(({ epoch, stopped }) => [epoch, stopped.length])).toEqual([
        [1, 1],
        [2, 1],
      ]);
      expect(rungs[0]).toMatchObject({ scores: { c: null }, stopped: ['c'] });
      const loser = rungs[1]!.stopped[0]!;
      for (const { arm, status, directory: folder } of runs) {
        const rows = readMetrics(path.join(directory, folder));
        if (arm === 'c') expect([status, rows.length]).toEqual(['diverged', 0]);
        else expect([status, rows.length]).toEqual(arm === loser ? ['stopped', 2] : ['completed', 4]);
      }
      const accuracy = (arm: string) => readMetrics(path.join(directory, arm, 'seed-1'))[1]!.val_acc;
      expect(rungs[1]!.scores).toEqual({ a: accuracy('a'), b: accuracy('b') });
      const comparison = compare(readRuns([directory]).runs, [], { metric: 'val_acc' });
      expect(comparison.rows.find((row) => row.config === loser)).toMatchObject({ n: 0, missing: { stopped: 1 } });
      expect(comparison.halving).toContain('of 3, 1 after epoch 1, 1 after epoch 2');
      expect(listRuns([directory]).runs.filter((run) => run.status === 'stopped')).toHaveLength(1);
      expect(await runSweep(plan, { directory, jobs: 2, cache: root, signal })).toEqual(runs);
    },
    120_000,
  );

  it.skipIf(!built)(
    'continues after a failed run; run again, it skips what is done and repeats the failure',
    async () => {
      const directory = path.join(root, 'sweep');
      const plan = readSweep(sweepFile('runs', { arms: { bad: { threads: 3 }, good: {} } }));
      const sweep = () => runSweep(plan, { directory, jobs: 2, cache: root, signal: new AbortController().signal });
      const states = (runs: SweepRun[]) => runs.map((run) => run.status);
      const first = await sweep();
      expect(states(first)).toEqual(['failed', 'completed']);
      expect(first[0]!.message).toContain('the wasm backend runs on one thread');
      const iterations = path.join(directory, 'good/seed-1/iterations.csv');
      expect(readFileSync(iterations, 'utf8').split('\n')).toHaveLength(4);
      rmSync(iterations); // would be there again if the run were repeated
      expect(states(await sweep())).toEqual(['failed', 'completed']);
      expect(existsSync(iterations)).toBe(false);
      const unlock = lockFolder(path.join(directory));
      await expect(sweep()).rejects.toThrow(/in use by process/);
      unlock();
    },
    60_000,
  );
});
