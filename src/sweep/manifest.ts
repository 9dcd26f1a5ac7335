import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
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

/** What to do with a run, judged by its folder and lock. */
export type Next = 'start' | 'resume' | 'wait' | 'locked' | 'nothing';

/** The contents of a sweep's folder. */
interface Recorded {
  planned: SweepRun[];
  /** Runs that only earlier plans contained. */
  others: SweepRun[];
  /** The rankings so far. */
  rungs: Rung[];
}

/**
 * The runs of the plan in order, with their states from an earlier sweep.json and the run folders, and the runs that
 * only earlier plans contained. Writes nothing. Throws ClrError('usage') if an arm's config, the question or the
 * ranking has changed since the sweep began, ClrError('data') if sweep.json is damaged.
 */
export function readManifest(directory: string, plan: SweepPlan): Recorded {
  const file = readManifestFile(directory);
  if (!file) refuseOtherFolder(directory);
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

function refuseOtherFolder(directory: string): void {
  const isFile = statSync(directory, { throwIfNoEntry: false })?.isFile();
  if (!isFile && !existsSync(path.join(directory, 'config.json'))) return;
  const problem = isFile ? 'a file' : 'the folder of a run or of a clr tune';
  throw new ClrError('usage', `${directory} is ${problem}, not of a sweep`, 'choose another folder with --out');
}

/** Replaces sweep.json atomically. */
export function writeManifest(
  directory: string,
  plan: SweepPlan,
  { runs, others, rungs }: Omit<Recorded, 'planned'> & { runs: readonly SweepRun[] },
): void {
  const { name, paired, question, halving } = plan;
  const judged = question && judgedIn(plan);
  writeJson(directory, 'sweep.json', { name, paired, question, judged, halving, rungs, runs: [...runs, ...others] });
}

/** Creates the folder of each arm with its config. */
export function writeArms(directory: string, plan: SweepPlan): void {
  for (const { name, config } of plan.arms) {
    makeFolders(path.join(directory, name));
    replaceFile(armFile(directory, name), `${JSON.stringify(config, null, 2)}\n`);
  }
}

/** The run with the current state of its folder; 'failed' stays until the run is tried again. */
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
 * A run that has begun is resumed, one that failed is repeated, and one that a process on this machine still trains is
 * waited for. A process elsewhere may have ended long ago, so its run counts as locked unless it is taken over.
 */
export function nextStep(directory: string, run: SweepRun, { takeOver = false } = {}): Next {
  if (isDone(run)) return 'nothing';
  const folder = path.join(directory, run.directory);
  const holder = lockHolder(folder);
  if (holder && !(takeOver && !holder.known)) return holder.known ? 'wait' : 'locked';
  return run.status !== 'failed' && existsSync(path.join(folder, 'config.json')) ? 'resume' : 'start';
}

/** The runs that a process elsewhere has locked. */
export function lockedRuns(directory: string, runs: readonly SweepRun[]): SweepRun[] {
  return runs.filter((run) => nextStep(directory, run) === 'locked');
}

/** Before a run starts from the beginning: keeps a failed run as `<folder>.failed`, removes an empty folder. */
export function clearAway(directory: string, run: SweepRun): void {
  const folder = path.join(directory, run.directory);
  if (run.status === 'failed' && existsSync(folder)) {
    rmSync(`${folder}.failed`, { recursive: true, force: true });
    renameSync(folder, `${folder}.failed`);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Records the status `stopped` in the folder of each run that the sweep has stopped. */
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

/** Undefined if the runs of an arm differ only in the seed. */
function varied(plan: SweepPlan, seed: number): SweepRun['varied'] {
  return Object.keys(plan.vary).length > 0 ? variation(plan, seed) : undefined;
}

function refuseOtherVariation(directory: string, known: SweepRun, run: SweepRun): void {
  if (isDeepStrictEqual(known.varied, run.varied)) return;
  throw new ClrError(
    'usage',
    `${directory}: ${run.directory} began with ${JSON.stringify(known.varied ?? {})}, but \`vary\` has changed`,
    'use another folder (--out) or another name',
  );
}

/** A question, arms or seeds that change after data were seen have no error rate. */
function refuseOtherQuestion(directory: string, begun: Manifest, plan: SweepPlan): void {
  if (begun.runs.every((run) => refresh(directory, run).status === 'pending')) return;
  if (isDeepStrictEqual(verdictBasis(begun), verdictBasis(plan))) {
    const { judged } = begun;
    if (!judged || isDeepStrictEqual(judged, judgedIn(plan))) return;
    const known = `arms ${judged.arms.join(', ')}; seeds ${judged.seeds.join(', ')}`;
    throw new ClrError(
      'usage',
      `${directory}: its question was asked of other arms or seeds: ${known}`,
      'keep these, which its verdicts depend on, or use another folder (--out)',
    );
  }
  const known = begun.question ? `decide: ${JSON.stringify(begun.question)}` : 'none: a fixed number of seeds';
  throw new ClrError(
    'usage',
    `${directory}: its runs began with another question: ${known}, paired: ${begun.paired}`,
    begun.question
      ? 'continue with --until decided and that question, or use another folder (--out)'
      : 'use another folder (--out) or name',
  );
}

/** What a verdict depends on, apart from arms and seeds: `std` and `power` only plan. */
function verdictBasis({ question, paired }: Pick<SweepPlan, 'question' | 'paired'>): unknown {
  return { ...question, std: undefined, power: undefined, paired };
}

function judgedIn({ arms, seeds }: SweepPlan): { arms: string[]; seeds: number[] } {
  return { arms: arms.map(({ name }) => name).toSorted(), seeds }; // the order of the arms changes nothing
}

/** A ranking holds only for its own arms and seeds: with others, different arms might have been stopped. */
function refuseOtherRanking(directory: string, { halving, rungs }: Manifest, plan: SweepPlan): void {
  if (rungs.length === 0) return;
  const begun = { halving, arms: Object.keys(rungs[0]!.scores), seeds: rungs[0]!.seeds };
  const now = { halving: plan.halving, arms: plan.arms.map(({ name }) => name), seeds: plan.seeds };
  const changed = (Object.keys(now) as (keyof typeof now)[]).filter((key) => !isDeepStrictEqual(begun[key], now[key]));
  if (changed.length === 0) return;
  throw new ClrError(
    'usage',
    `${directory}: its arms have been ranked (halving) with different ${changed.join(' and ')}`,
    'use another folder (--out) or another name',
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
    'use another folder (--out; --runs for clr run) or another name',
  );
}
