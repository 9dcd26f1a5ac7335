import type { ExperimentConfig } from '../config/schema.js';
import { bench } from '../diagnostics/bench.js';
import { isDone, type SweepRun } from '../runs/sweep-manifest.js';
import { updates } from './length.js';
import type { SweepPlan } from './plan.js';

/** Steps to time per arm. */
export const timedSteps = 3;

/**
 * Seconds that the unfinished runs will take one after the other, estimated from a few training steps of each arm on
 * generated images; without validation, checkpoints and charts. `threads`: of each run, if not as its config says.
 * Throws as `bench` does.
 */
export async function secondsByStepTimes(
  { arms }: SweepPlan,
  runs: readonly SweepRun[],
  threads: number | undefined,
): Promise<number> {
  const stepSeconds = new Map<string, number>(); // most arms differ only in settings that do not affect the time
  let total = 0;
  for (const { name, config } of arms) {
    for (const { varied } of runs.filter((run) => run.arm === name && !isDone(run))) {
      const timed = { ...config, ...varied, threads: threads ?? config.threads }; // of nested keys none takes time
      const { model, optimizer, batch_size, backend, precision, device } = timed;
      const key = JSON.stringify([model, optimizer, batch_size, backend, precision, device, timed.threads]);
      if (!stepSeconds.has(key)) stepSeconds.set(key, await secondsPerStep(timed));
      total += updates(timed) * stepSeconds.get(key)!;
    }
  }
  return total;
}

/** The same for one run of a config after `done` iterations. */
export async function secondsOfRun(config: ExperimentConfig, done = 0, untilEpoch?: number): Promise<number> {
  return Math.max(0, updates(config, untilEpoch) - done) * (await secondsPerStep(config));
}

async function secondsPerStep(config: ExperimentConfig): Promise<number> {
  const { median_ms } = await bench({ ...config, schedule }, { steps: timedSteps, warmup: 1, profile: false });
  return median_ms / 1000;
}

/** The two batches of `bench` are too few for the phases of most schedules. */
const schedule = { type: 'constant', lr: 0.01, momentum: 0.9 };
