import { type ExperimentConfig, runLength } from '../config/schema.js';
import { trainSize } from '../datasets/index.js';
import { bench } from '../diagnostics/bench.js';
import { isDone, type SweepRun } from '../runs/sweep-manifest.js';
import type { SweepPlan } from './plan.js';

/** Steps timed of each arm. */
export const timedSteps = 3;

/**
 * Seconds that the runs yet to be done will take one after the other, by a few training steps of each arm on made-up images:
 * validation, checkpoints and charts are not in it. `threads`: of each run, where not its config's. Throws as `bench` does.
 */
export async function secondsByStepTimes(
  { arms }: SweepPlan,
  runs: readonly SweepRun[],
  threads: number | undefined,
): Promise<number> {
  const stepSeconds = new Map<string, number>(); // arms mostly differ in what takes no time
  let total = 0;
  for (const { name, config } of arms) {
    const left = runs.filter((run) => run.arm === name && !isDone(run)).length;
    if (left === 0) continue;
    const timed = { ...config, threads: threads ?? config.threads, schedule };
    const { model, optimizer, batch_size, backend, precision, device } = timed;
    const key = JSON.stringify([model, optimizer, batch_size, backend, precision, device, timed.threads]);
    if (!stepSeconds.has(key)) {
      const { median_ms } = await bench(timed, { steps: timedSteps, warmup: 1, profile: false });
      stepSeconds.set(key, median_ms / 1000);
    }
    total += left * updates(config) * stepSeconds.get(key)!;
  }
  return total;
}

/** The two batches of `bench` are too few for the phases of most. */
const schedule = { type: 'constant', lr: 0.01, momentum: 0.9 };

function updates(config: ExperimentConfig): number {
  const { iterations } = runLength(config, trainSize(config.dataset));
  return Math.min(iterations, config.max_iterations ?? Number.POSITIVE_INFINITY);
}
