import path from 'node:path';
import { type Comparison, compare } from '../compare/comparison.js';
import type { Row } from '../compare/row.js';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import { readRuns } from '../runs/read-runs.js';
import { isDone } from '../runs/sweep-manifest.js';
import type { SweepPlan } from '../sweep/plan.js';
import type { runSweep, SweepOptions } from '../sweep/sweep.js';
import type { Length } from './budget.js';
import type { TuneRecord } from './record.js';

/** How the recipe is carried out; `directory`: where everything goes. */
export interface TuneOptions extends SweepOptions {
  /** Trains the runs of a stage, here or elsewhere. */
  train: typeof runSweep;
}

/** Completes a sweep in `<directory>/<name>`. Throws the signal's reason if aborted, ClrError if a run failed. */
export async function runArms(
  name: string,
  arms: { name: string; config: ExperimentConfig }[],
  seeds: number[],
  { halving }: Pick<Length, 'halving'>,
  { train, ...options }: TuneOptions,
): Promise<void> {
  const directory = path.join(options.directory, name);
  const plan: SweepPlan = { name, arms, seeds, vary: {}, paired: false, halving };
  const runs = await train(plan, { ...options, directory });
  options.signal.throwIfAborted();
  const failed = runs.find((run) => !isDone(run));
  if (failed)
    throw new ClrError('failed', `${path.join(directory, failed.directory)}: ${failed.message ?? failed.status}`);
}

/**
 * The comparison of a folder's runs with one arm, by default the best by its mean, the best first; as in a ranking of
 * halving, an arm of which a run diverged comes after the others. Undefined: no arm has a score.
 */
export function ranking(directory: string, arm?: string): Comparison | undefined {
  const { runs, skipped } = readRuns([directory]);
  const ranked = (baseline?: string): Comparison => {
    const comparison = compare(runs, skipped, { metric: 'val_acc', baseline });
    const place = ({ n, runs }: Row) => (n === 0 ? 2 : Number(n < runs.length));
    return { ...comparison, rows: comparison.rows.toSorted((a, b) => place(a) - place(b)) };
  };
  const best = ranked().rows[0]!;
  return best.n === 0 ? undefined : ranked(arm ?? best.config);
}

/** The check's comparison; undefined before the check has begun. */
export function checkOf(directory: string, { decisions }: TuneRecord): Comparison | undefined {
  const begun = decisions.some(({ stage }) => stage === 'length');
  return begun ? ranking(path.join(directory, 'check'), 'tuned') : undefined;
}

/** The best arm of a folder's runs, and how sure that is in words. Throws ClrError('diverged') if none has a score. */
export function winner(directory: string): { arm: string; sure: string } {
  const comparison = ranking(directory);
  if (!comparison) throw new ClrError('diverged', `no run in ${directory} completed`, 'lower schedule.max_lr');
  return { arm: comparison.rows[0]!.config, sure: howSure(comparison) };
}

/** "best mean accuracy 80.11 %; next is momentum 0.95, 79.52 %; undecided: ..." `short`: the verdict in one word. */
export function howSure({ rows: [best, next] }: Comparison, { short = false } = {}): string {
  const accuracy = ({ scores }: Row) => `${scores.val_acc.mean.toFixed(2)} %`;
  const first = `best mean accuracy ${accuracy(best!)}`;
  if (!next) return `${first}; the only arm`;
  if (next.n === 0) return `${first}; the others diverged or were stopped early`;
  const { finding, verdict, sentence } = next.against!;
  const outcome = short ? (finding ? verdict : 'not tested') : sentence;
  return `${first}; next is ${next.config}, ${accuracy(next)}${short ? ` (${outcome})` : `; ${outcome}`}`;
}
