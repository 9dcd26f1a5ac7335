import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { validateConfig } from '../config/load.js';
import type { runSweep } from '../sweep/sweep.js';
import { writeRunFolder } from '../testing/run-files.js';
import type { TuneRecord } from './record.js';
import { tune } from './tune.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-tune-time-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] }));
afterEach(() => vi.useRealTimers());

const config = validateConfig(
  {
    epochs: 25,
    dataset: { type: 'synthetic', train_size: 100, val_size: 10 },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'constant', lr: 0.1 },
  },
  'a config',
);
const length = { epochs: 4 };
const plan: TuneRecord['plan'] = {
  ...{ epochs: 100, epoch_seconds: 1, jobs: 1, range: 60, lr: length, momentum: length, wd: length, tail: length },
  random: { trials: 10, length }, // 40 epochs
};

/** Leaves the folders of all runs, as training them would. */
const train: typeof runSweep = async ({ arms, seeds }, { directory }) =>
  arms.flatMap(({ name, config }) =>
    seeds.map((seed, i) => {
      const run = path.join(name, `seed-${seed}`);
      writeRunFolder(path.join(directory, run), { ...config, name, seed }, 80 + i);
      return { arm: name, seed, directory: run, status: 'completed' as const };
    }),
  );

/** The recipe's check in a folder, where each stage takes `seconds`; it is cut short if `killed`. */
function check(name: string, budget: number, seconds: number, killed?: (directory: string) => void) {
  const directory = path.join(root, name);
  const asked = { budget: { seconds: budget }, seeds: 3, stages: ['check' as const] };
  const slow: typeof runSweep = async (sweep, options) => {
    vi.advanceTimersByTime(1000 * seconds);
    killed?.(directory);
    return train(sweep, options);
  };
  const { signal } = new AbortController();
  const options = { directory, jobs: 1, cache: root, signal, train: slow };
  return tune(
    config,
    asked,
    async () => plan,
    options,
    () => {},
  );
}

const recordIn = (directory: string): TuneRecord => JSON.parse(readFileSync(path.join(directory, 'tune.json'), 'utf8'));

describe('the length of the check', () => {
  it('fits in the time that is left, at the speed of the random search', async () => {
    const { decisions } = await check('undisturbed', 10_000, 4000);
    expect(decisions.map(({ stage, seconds }) => [stage, seconds])).toEqual([
      ['random', 4000],
      ['length', 0],
    ]);
    expect(decisions[1]!.length).toBe(6); // 6000 s at 100 s per epoch: 60 epochs for nine runs
  });

  it('is the same if the random search is cut short twice and resumed', async () => {
    const cut = (seconds: number) =>
      check('disturbed', 10_000, seconds, () => {
        throw new Error('cut short');
      });
    await expect(cut(1500)).rejects.toThrow('cut short');
    await expect(cut(500)).rejects.toThrow('cut short');
    const { decisions, unfinished } = await check('disturbed', 10_000, 2000);
    expect([decisions[0]!.seconds, decisions[1]!.length, unfinished]).toEqual([4000, 6, undefined]);
  });

  it('counts all but the last ten seconds before a kill', async () => {
    const noted: unknown[] = [];
    await check('killed', 10_000, 1234, (directory) => noted.push(recordIn(directory).unfinished));
    expect(noted[0]).toEqual({ stage: 'random', seconds: 1230 });
    expect(recordIn(path.join(root, 'killed'))).not.toHaveProperty('unfinished');
  });

  it('is one epoch if no time is left, even if the random search took none', async () => {
    const { decisions } = await check('none', 0, 0);
    expect([decisions[0]!.seconds, decisions[1]!.length]).toEqual([0, 1]);
  });
});
