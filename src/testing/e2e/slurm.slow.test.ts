import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TuneRecord } from '../../tune/record.js';
import { runClr, startClr, waitFor } from '../clr-process.js';
import { countRows, fingerprint, readSummary } from '../run-files.js';
import { noSlurm } from '../slurm.js';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'clr-slurm-'));
const folder = path.join(scratch, 'slurm');
/** The cluster accepts arrays of at most six tasks. */
const local = (command: string) => {
  const env = { ...process.env, SLURM_LOCAL_ARRAY: '6' };
  execFileSync('scripts/slurm-local.sh', [command, folder], { stdio: 'ignore', env });
};

const base = {
  epochs: 1,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 64, val_size: 10 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.1 },
  backend: 'wasm',
  threads: 1,
  checkpoint: { every_iterations: 5 },
};
/** Slurm checks time limits twice a minute, and sends signals up to a minute early: a task trains for 30 s at most. */
const slurm = { timeout_min: 1, signal_delay_s: 20 };
/** Seconds that each lasts if a processor is free: long enough that something can happen to it. */
const seconds = {
  killed: 40,
  diverges: 20,
  long: 80, // passes its time limit at least twice
  cancelled: 40,
  plain: 20,
  same: 20,
};
const names = Object.keys(seconds) as (keyof typeof seconds)[];

/** The arms, with epochs by the time that one takes on this machine. */
async function timedArms() {
  const file = path.join(scratch, 'timed.json');
  writeFileSync(file, JSON.stringify({ ...base, epochs: 10 }));
  const timed = path.join(scratch, 'timed');
  expect(await runClr(['run', file, '--runs', timed])).toMatchObject({ code: 0 });
  const perEpoch = readSummary(path.join(timed, '1')).seconds / 10;
  const arm = (name: keyof typeof seconds) => ({
    epochs: Math.ceil(seconds[name] / perEpoch),
    ...(name === 'diverges' ? { 'schedule.max_lr': 1e9 } : {}),
  });
  return Object.fromEntries(names.map((name) => [name, arm(name)]));
}

function sweepFile(name: string, file: object): string {
  writeFileSync(path.join(scratch, 'base.json'), JSON.stringify(base));
  writeFileSync(path.join(scratch, `${name}.json`), JSON.stringify({ name, base: 'base.json', slurm, ...file }));
  return path.join(scratch, `${name}.json`);
}

async function sweep(file: string, out: string, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await runClr(['sweep', file, '--out', path.join(scratch, out), ...flags]);
  expect(stderr).not.toMatch(/^clr:/m);
  expect(code).toBe(0);
  return stdout;
}

/** The states of the tasks that Slurm holds, by their number in the array. */
function queue(): Map<string, string> {
  const lines = execFileSync('squeue', ['--noheader', '--array', '--format', '%F_%K %T'], { encoding: 'utf8' });
  return new Map(
    lines
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ') as [string, string]),
  );
}

async function until(what: () => boolean, seconds: number): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; !what(); await sleep(500))
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}; ${JSON.stringify([...queue()])}`);
}

const run = (out: string, arm: string) => path.join(scratch, out, arm, 'seed-1');
const rows = (out: string, arm: string) => countRows(path.join(run(out, arm), 'iterations.csv'));
const output = (out: string, task: number) => {
  const slurmFolder = path.join(scratch, out, 'slurm');
  const files = readdirSync(slurmFolder).filter((name) => name.endsWith(`_${task}.out`));
  return files.map((name) => readFileSync(path.join(slurmFolder, name), 'utf8')).join('');
};

/** The process that trains the run, from its lock; undefined: none, or it has ended. */
function processOf(directory: string): number | undefined {
  const locks = existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith('lock-')) : [];
  return locks.map((name) => Number(name.split('-').at(-2))).find((pid) => existsSync(`/proc/${pid}`));
}

function expectSameRuns(out: string, names: string[]): void {
  for (const arm of names) {
    expect(readSummary(run(out, arm)).status, arm).toBe(readSummary(run('local', arm)).status);
    if (arm !== 'diverges') expect(fingerprint(run(out, arm)), arm).toEqual(fingerprint(run('local', arm)));
  }
}

describe.skipIf(noSlurm)(`a sweep on Slurm${noSlurm ? ` (skipped: ${noSlurm})` : ''}`, () => {
  let file: string;
  let few: object;
  beforeAll(async () => {
    const arms = await timedArms();
    file = sweepFile('faults', { arms });
    few = { plain: arms.plain, same: arms.same };
    local('start');
    process.env.SLURM_CONF = path.join(folder, 'slurm.conf');
    await sweep(file, 'local', '--jobs', '2');
  }, 1_200_000);
  afterAll(() => {
    spawnSync('scancel', ['--user', String(process.getuid?.())]);
    local('stop');
    rmSync(scratch, { recursive: true, force: true });
  });

  it('ends as one on this machine, whatever happens to its tasks', async () => {
    const job = /^job (\d+): 6 runs/.exec(await sweep(file, 'cluster', '--launcher', 'slurm'))![1]!;
    await until(() => names.every((arm) => arm === 'diverges' || rows('cluster', arm) > 5), 180);
    await until(() => ['0', '2', '3'].every((task) => queue().get(`${job}_${task}`) === 'RUNNING'), 120);
    process.kill(processOf(run('cluster', 'killed'))!, 'SIGKILL');
    execFileSync('scancel', [`${job}_3`]);
    local('fail'); // every task is lost with the node, and restarted when it is back
    expect(await sweep(file, 'cluster', '--status')).toMatch(new RegExp(`^\\w+ +long/seed-1 +${job}_2 PENDING`, 'm'));
    local('recover');
    await until(() => !queue().has(`${job}_0`) && !queue().has(`${job}_3`), 120);
    for (const arm of ['killed', 'cancelled']) expect(readSummary(run('cluster', arm)).status).not.toBe('completed');

    const again = await sweep(file, 'cluster', '--launcher', 'slurm'); // only what is neither done nor held
    expect(again).toMatch(/^job \d+: 2 runs/);
    await until(() => queue().size === 0, 900);
    expect(output('cluster', 2).match(/long.*exit code 140/g)!.length).toBeGreaterThanOrEqual(2);
    expect(output('cluster', 1).match(/diverges.*exit code/g)).toHaveLength(1); // a diverged run is not repeated
    expect(await sweep(file, 'cluster', '--launcher', 'slurm')).toMatch(/all runs in .* are done/);
    expectSameRuns('cluster', names);
  });

  const half = (name: string) => sweepFile(name, { arms: few, slurm: { array_parallelism: 1 } });
  /** A lock as left by a task on another node that was cancelled and killed, of a job that Slurm no longer knows. */
  const leaveLock = (out: string, arm: string) =>
    writeFileSync(
      path.join(run(out, arm), 'lock-node7-0123456789ab-4026531836-7-99'),
      JSON.stringify({ id: '1_9', start: 0, cluster: 'clr' }),
    );

  it('that Slurm has begun is completed by the local launcher', async () => {
    const begun = half('begun-there');
    await sweep(begun, 'begun-there', '--launcher', 'slurm');
    await until(() => rows('begun-there', 'same') > 5, 300);
    execFileSync('scancel', ['--user', String(process.getuid?.())]);
    await until(() => queue().size === 0, 60);
    expect(readSummary(run('begun-there', 'plain')).status).toBe('completed');
    leaveLock('begun-there', 'same');
    await sweep(begun, 'begun-there');
    expectSameRuns('begun-there', Object.keys(few));
  });

  it('that the local launcher has begun is completed by Slurm', async () => {
    const begun = half('begun-here');
    const started = startClr(['sweep', begun, '--out', path.join(scratch, 'begun-here')]);
    expect(await waitFor(() => rows('begun-here', 'same') > 5, started)).toBe(true);
    started.child.kill('SIGTERM');
    expect(await started.ended).toMatchObject({ code: 143 });
    expect(readSummary(run('begun-here', 'plain')).status).toBe('completed');
    leaveLock('begun-here', 'same');
    expect(await sweep(begun, 'begun-here', '--launcher', 'slurm')).toMatch(/^job \d+: 1 runs/);
    await until(() => queue().size === 0, 300);
    expectSameRuns('begun-here', Object.keys(few));
  });

  it('continues block by block until it is decided, with one array each, split if it is too large', async () => {
    const decide = { difference: 5, block: 4, max_seeds: 8 };
    const short = { epochs: 1, 'dataset.train_size': 16 };
    const file = sweepFile('decided', { arms: { a: short, b: { ...short, 'schedule.max_lr': 0.05 } }, decide });
    const there = (...flags: string[]) => sweep(file, 'decided', '--until', 'decided', ...flags);
    for (const block of [1, 2]) {
      const submitted = await there('--launcher', 'slurm', '--slurm', 'additional={ begin: now+15 }');
      expect(submitted, `block ${block}`).toMatch(/^job \d+: 6 runs in .*\njob \d+: 2 runs in .*\n$/);
      expect(await there('--launcher', 'slurm')).toBe(''); // Slurm holds the whole block
      await until(() => queue().size === 0, 300);
    }
    expect(await there('--launcher', 'slurm')).toMatch(/^all runs in .* are done/);
    await sweep(file, 'decided-here', '--until', 'decided', '--jobs', '2');
    const standing = async (out: string) =>
      (await sweep(file, out, '--until', 'decided', '--status')).replace(/ in .*/, '');
    expect(await standing('decided')).toMatch(/^b .* against a: (better|worse|equivalent|undecided)$/m);
    expect(await standing('decided')).toBe(await standing('decided-here'));
  });

  it('for a stage of `clr tune` trains there, ranking by ranking, and decides as on this machine', async () => {
    const config = path.join(scratch, 'tune.json');
    writeFileSync(config, JSON.stringify({ ...base, epochs: 2, dataset: { ...base.dataset, train_size: 16 } }));
    const tune = async (out: string, ...flags: string[]) => {
      const folder = path.join(scratch, out);
      const of = ['--stages', 'momentum', '--budget', '400epochs', '--out', folder]; // eight arms, half of them stop
      const { code, stderr } = await runClr(['tune', config, ...of, ...flags]);
      expect(code, stderr).toBe(0);
      const { decisions } = JSON.parse(readFileSync(path.join(folder, 'tune.json'), 'utf8')) as TuneRecord;
      return { stderr, decisions: decisions.map(({ seconds, ...decision }) => decision) };
    };
    const there = await tune('tune-there', '--launcher', 'slurm');
    expect(there.stderr.match(/^job \d+: \d+ runs in .*$/gm)!.map((line) => line.split(' ')[2])).toEqual(
      ['6', '6', '4', '6', '2'], // 16 runs for one epoch, 8 for another
    );
    await until(() => queue().size === 0, 60); // a run is done before its task has ended
    expect(there.decisions).toEqual((await tune('tune-here', '--jobs', '2')).decisions);
  });
});
