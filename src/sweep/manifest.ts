import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { validateConfig } from '../config/load.js';
import { ClrError } from '../errors.js';
import { readJson } from '../runs/read-run.js';
import { writeJson, writeSummary } from '../runs/run-folder.js';
import type { Summary } from '../runs/summary.js';
import { armFile, isDone, type Manifest, type Rung, readManifestFile, type SweepRun } from '../runs/sweep-manifest.js';
import { makeFolders, replaceFile } from '../system/atomic.js';
import { lockHolder } from '../system/lock.js';
import { changedKeys } from '../training/resume.js';
import { type SweepPlan, variation } from './plan.js';

/** What to do about a run, judged by its folder and its lock. */
export type Next = 'start' | 'resume' | 'wait' | 'locked' | 'nothing';

/** What a sweep's folder tells. */
interface Recorded {
  planned: SweepRun[];
  /** The runs that earlier plans had besides. */
  others: SweepRun[];
  /** The rankings that have taken place. */
  rungs: Rung[];
}

/**
 * The runs of the plan in its order, with the states that an earlier sweep.json and the run folders give, then those that
 * earlier plans had besides. Writes nothing. Throws ClrError('usage') where an arm's config, the question or what was
 * ranked is not what it began with, ClrError('data') where sweep.json is damaged.
 */
export function readManifest(directory: string, plan: SweepPlan): Recorded {
  const file = readManifestFile(directory);
  const earlier = file?.runs ?? [];
  if (file) refuseOtherQuestion(directory, file, plan);
  if (file) refuseOtherRanking(directory, file, plan);
  for (const arm of plan.arms) refuseOtherConfig(directory, arm);
  const planned = plan.arms.flatMap((arm) =>
    plan.seeds.map((seed): SweepRun => {
      const folder = path.join(arm.name, `seed-${seed}`);
      const known = earlier.find((run) => run.directory === folder);
      const run = { arm: arm.name, seed, varied: varied(plan, seed), directory: folder, status: 'pending' } as const;
      if (known) refuseOtherVariation(directory, known, run);
      return refresh(directory, known ?? run);
    }),
  );
  const folders = new Set(planned.map((run) => run.directory));
  const others = earlier.filter((run) => !folders.has(run.directory));
  return { planned, others, rungs: file?.rungs ?? [] };
}

/** Replaces sweep.json, whole or not at all. */
export function writeManifest(
  directory: string,
  { name, paired, question, halving }: SweepPlan,
  { runs, others, rungs }: Omit<Recorded, 'planned'> & { runs: readonly SweepRun[] },
): void {
  writeJson(directory, 'sweep.json', { name, paired, question, halving, rungs, runs: [...runs, ...others] });
}

/** Makes the folder of each arm with its config. */
export function writeArms(directory: string, plan: SweepPlan): void {
  for (const { name, config } of plan.arms) {
    makeFolders(path.join(directory, name));
    replaceFile(armFile(directory, name), `${JSON.stringify(config, null, 2)}\n`);
  }
}

/** The run with what its folder says by now; 'failed' stays until it is tried again. */
export function refresh(directory: string, run: SweepRun): SweepRun {
  const summary = readSummary(path.join(directory, run.directory));
  if (!summary) return run.status === 'failed' ? run : { ...run, status: 'pending', message: undefined };
  const { message, seconds } = summary;
  if (isDone(summary)) return { ...run, status: summary.status, message, seconds };
  if (run.status === 'failed') return run;
  const killed = summary.status === 'running' && lockHolder(path.join(directory, run.directory)) === undefined;
  return { ...run, status: killed ? 'interrupted' : summary.status, message, seconds };
}

/**
 * A run that has begun is resumed, one that failed is repeated, one that a process here still trains is waited for. Nobody
 * waits for a process elsewhere, which may have been gone for long: its run is locked, unless it is taken over.
 */
export function nextStep(directory: string, run: SweepRun, { takeOver = false } = {}): Next {
  if (isDone(run)) return 'nothing';
  const folder = path.join(directory, run.directory);
  const holder = lockHolder(folder);
  if (holder && !(takeOver && !holder.known)) return holder.known ? 'wait' : 'locked';
  return run.status !== 'failed' && existsSync(path.join(folder, 'config.json')) ? 'resume' : 'start';
}

/** Those that a process elsewhere has locked. */
export function lockedRuns(directory: string, runs: readonly SweepRun[]): SweepRun[] {
  return runs.filter((run) => nextStep(directory, run) === 'locked');
}

/** Before a run starts from the beginning: what failed is kept as `<folder>.failed`, an empty folder is not. */
export function clearAway(directory: string, run: SweepRun): void {
  const folder = path.join(directory, run.directory);
  if (run.status === 'failed' && existsSync(folder)) {
    rmSync(`${folder}.failed`, { recursive: true, force: true });
    renameSync(folder, `${folder}.failed`);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Says in the folder of each run that the sweep has stopped that it is. */
export function writeStops(directory: string, runs: readonly SweepRun[]): void {
  for (const { status, message, directory: folder } of runs) {
    if (status !== 'stopped') continue;
    const summary = readJson(path.join(directory, folder), 'summary.json') as Summary;
    if (summary.status !== status) writeSummary(path.join(directory, folder), { ...summary, status, message });
  }
}

function readSummary(folder: string): Summary | undefined {
  try {
    return readJson(folder, 'summary.json') as Summary;
  } catch {
    return undefined; // not begun, or ended before the first epoch
  }
}

/** Undefined where the seeds differ in nothing else. */
function varied(plan: SweepPlan, seed: number): SweepRun['varied'] {
  return Object.keys(plan.vary).length > 0 ? variation(plan, seed) : undefined;
}

function refuseOtherVariation(directory: string, known: SweepRun, run: SweepRun): void {
  if (isDeepStrictEqual(known.varied, run.varied)) return;
  throw new ClrError(
    'usage',
    `${directory}: ${run.directory} began with ${JSON.stringify(known.varied ?? {})}, and \`vary\` now says otherwise`,
    'take another folder (--out), or another name',
  );
}

/** A question that changes with the data has no error rate. */
function refuseOtherQuestion(directory: string, begun: Manifest, plan: SweepPlan): void {
  if (begun.runs.every((run) => run.status === 'pending')) return;
  if (isDeepStrictEqual([begun.question, begun.paired], [plan.question, plan.paired])) return;
  const known = begun.question ? `decide: ${JSON.stringify(begun.question)}` : 'none: a fixed number of seeds';
  throw new ClrError(
    'usage',
    `${directory}: its runs began with another question: ${known}, paired: ${begun.paired}`,
    begun.question
      ? 'go on with --until decided and that question, or take another folder (--out)'
      : 'take another folder (--out) or name',
  );
}

/** Arms are ranked among those that there were: with others, or other seeds, those that were stopped may not have been. */
function refuseOtherRanking(directory: string, { halving, rungs }: Manifest, plan: SweepPlan): void {
  if (rungs.length === 0) return;
  const begun = { halving, arms: Object.keys(rungs[0]!.scores), seeds: rungs[0]!.seeds };
  const now = { halving: plan.halving, arms: plan.arms.map(({ name }) => name), seeds: plan.seeds };
  const changed = (Object.keys(now) as (keyof typeof now)[]).filter((key) => !isDeepStrictEqual(begun[key], now[key]));
  if (changed.length === 0) return;
  throw new ClrError(
    'usage',
    `${directory}: its arms have been ranked (halving) with other ${changed.join(' and ')}`,
    'take another folder (--out), or another name',
  );
}

function refuseOtherConfig(directory: string, { name, config }: SweepPlan['arms'][number]): void {
  const file = armFile(directory, name);
  if (!existsSync(file)) return;
  const changed = changedKeys(validateConfig(readJson(path.dirname(file), path.basename(file)), file), config);
  if (changed.length === 0) return;
  throw new ClrError(
    'usage',
    `${directory}: the config of arm "${name}" has changed since its runs began, in ${changed.join(', ')}`,
    'take another folder (--out, with clr run --runs), or another name',
  );
}
