import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { randomStream } from '../random.js';
import type { Manifest } from '../runs/sweep-manifest.js';
import { testSeed } from '../testing/random-tests.js';

const data = process.env.CLR_TEST_DATA;
if (!data) console.log('the sweep is not killed: CLR_TEST_DATA names no CIFAR-10 images');

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-sweep-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const program = fileURLToPath(new URL('../../bin/clr.js', import.meta.url));

/** Three epochs of four updates each; a checkpoint after every second update. */
const base = {
  epochs: 3,
  batch_size: 10,
  backend: 'wasm',
  dataset: { type: 'cifar10', train_limit: 40, val_limit: 50 },
  augmentation: { flip: true },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'constant', lr: 0.1, momentum: 0.9 },
  checkpoint: { every_iterations: 2 },
};
const sweep = { name: 'killed', base: 'base.json', seeds: 3, arms: { low: { 'schedule.lr': 0.05 }, high: {} } };
const folders = ['low', 'high'].flatMap((arm) => [1, 2, 3].map((seed) => path.join(arm, `seed-${seed}`)));

function startSweep(out: string, ...flags: string[]): ChildProcess {
  const args = [program, 'sweep', path.join(root, 'sweep.json'), '--out', out, '--jobs', '2', ...flags];
  return spawn(process.execPath, args, { env: { ...process.env, CLR_DATA: data }, stdio: 'ignore' });
}

async function endSweep(out: string, ...flags: string[]): Promise<void> {
  const [code] = await once(startSweep(out, ...flags), 'exit');
  expect(code).toBe(0);
}

/** Starts the sweep and kills it after up to `longest` ms: alone, so that its runs continue, or all. Returns which. */
async function interruptSweep(out: string, longest: number, alone: boolean, ...flags: string[]): Promise<string> {
  const process = startSweep(out, ...flags);
  const wait = 500 + random.uniform() * longest;
  await sleep(wait);
  process.kill('SIGKILL');
  if (!alone) runProcesses(out).forEach(kill);
  return `killed ${alone ? 'the sweep alone' : 'all'} after ${wait.toFixed(0)} ms`;
}

async function completeSweep(out: string): Promise<void> {
  await endSweep(out);
  const { runs } = JSON.parse(readFileSync(path.join(out, 'sweep.json'), 'utf8')) as Manifest;
  expect(runs.map((run) => [run.directory, run.status])).toEqual(folders.map((folder) => [folder, 'completed']));
}

/** The processes that train into the sweep's folder, by the names of their locks. */
function runProcesses(out: string): number[] {
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' });
  return files.flatMap((file) => {
    const pid = /seed-\d+[\\/]lock-.*-(\d+)-\d+$/.exec(file)?.[1];
    return pid ? [Number(pid)] : [];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has already ended
  }
}

/** For each run that is complete already, when it was completed. */
function completed(out: string): Record<string, number> {
  const times = folders.map((folder) => {
    const file = path.join(out, folder, 'summary.json');
    try {
      const { status } = JSON.parse(readFileSync(file, 'utf8')) as { status: string };
      return status === 'completed' ? [[folder, statSync(file).mtimeMs] as const] : [];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(times.flat());
}

/** What a run computed: its rows without the columns of time, and the checksum of its last weights. */
function outcome(out: string, folder: string) {
  const read = (name: string) => readFileSync(path.join(out, folder, name));
  const checkpoint = read('checkpoints/last.safetensors');
  const header = Number(checkpoint.readBigUInt64LE()); // it holds times
  return {
    metrics: read('metrics.csv')
      .toString()
      .split('\n')
      .map((line) => line.split(',').slice(0, 8)),
    iterations: read('iterations.csv').toString(),
    weights: createHash('sha256')
      .update(checkpoint.subarray(8 + header))
      .digest('hex'),
  };
}

function runFolders(out: string): string[] {
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => /seed-\d+$/.test(file)).sort();
}

const random = randomStream(testSeed, 'shuffle');

it.skipIf(!data)(
  'a sweep that is killed five times ends with six runs, each as if nothing had happened',
  async () => {
    writeFileSync(path.join(root, 'base.json'), JSON.stringify(base));
    writeFileSync(path.join(root, 'sweep.json'), JSON.stringify(sweep));
    const [undisturbed, disturbed] = [path.join(root, 'undisturbed'), path.join(root, 'disturbed')];
    const started = Date.now();
    await completeSweep(undisturbed);
    const duration = Date.now() - started;

    const seen: Record<string, number> = {};
    for (let n = 1; n <= 5; n++) {
      const what = await interruptSweep(disturbed, duration / 3, n % 2 === 0);
      Object.assign(seen, completed(disturbed));
      console.log(`${what}; ${Object.keys(seen).length} of 6 complete`);
    }
    await completeSweep(disturbed);

    expect(runFolders(disturbed)).toEqual(folders.toSorted());
    for (const folder of folders) {
      const run = outcome(disturbed, folder);
      expect(run).toEqual(outcome(undisturbed, folder));
      expect(run.iterations.split('\n')).toHaveLength(1 + 12 + 1);
    }
    for (const [folder, time] of Object.entries(seen)) expect(completed(disturbed)[folder]).toBe(time);
  },
  900_000,
);

it.skipIf(!data)(
  'a sweep --until decided that is killed three times gives each arm the same seeds and runs as undisturbed',
  async () => {
    const decide = { difference: 15, max_seeds: 6 };
    const arms = { high: {}, still: { 'schedule.lr': 1e-7 }, low: { 'schedule.lr': 0.05 } };
    writeFileSync(path.join(root, 'base.json'), JSON.stringify(base));
    writeFileSync(path.join(root, 'sweep.json'), JSON.stringify({ name: 'decided', base: 'base.json', decide, arms }));
    const [undisturbed, disturbed] = [path.join(root, 'decided'), path.join(root, 'decided-disturbed')];
    await endSweep(undisturbed, '--until', 'decided');
    const expected = runFolders(undisturbed);
    expect(expected.length).toBeGreaterThan(6); // more than the first block

    for (let n = 1; n <= 3; n++)
      console.log(await interruptSweep(disturbed, 15_000, n === 2, '--until', 'decided'), runFolders(disturbed).length);
    await endSweep(disturbed, '--until', 'decided');
    expect(runFolders(disturbed)).toEqual(expected);
    for (const folder of expected) expect(outcome(disturbed, folder)).toEqual(outcome(undisturbed, folder));
  },
  900_000,
);

it.skipIf(!data)(
  'a sweep with halving that is killed three times stops the same arms after the same epochs, with the same runs',
  async () => {
    const arms = {
      high: {},
      still: { 'schedule.lr': 1e-7 },
      low: { 'schedule.lr': 0.05 },
      wild: { 'schedule.lr': 1e6 },
    };
    const halving = { min_epochs: 1 };
    writeFileSync(path.join(root, 'base.json'), JSON.stringify(base));
    writeFileSync(
      path.join(root, 'sweep.json'),
      JSON.stringify({ name: 'halved', base: 'base.json', seeds: 2, halving, arms }),
    );
    const [undisturbed, disturbed] = [path.join(root, 'halved'), path.join(root, 'halved-disturbed')];
    const manifest = (out: string) => JSON.parse(readFileSync(path.join(out, 'sweep.json'), 'utf8')) as Manifest;
    const started = Date.now();
    await endSweep(undisturbed);
    const duration = Date.now() - started;
    const { rungs, runs } = manifest(undisturbed);
    expect(rungs).toHaveLength(2);

    for (let n = 1; n <= 3; n++) console.log(await interruptSweep(disturbed, duration / 3, n === 2));
    await endSweep(disturbed);
    const states = (some: Manifest['runs']) => some.map((run) => [run.directory, run.status, run.message]);
    expect(manifest(disturbed).rungs).toEqual(rungs);
    expect(states(manifest(disturbed).runs)).toEqual(states(runs));
    for (const { directory, status } of runs)
      if (status !== 'diverged') expect(outcome(disturbed, directory)).toEqual(outcome(undisturbed, directory));
  },
  900_000,
);
