import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes } from '../errors.js';
import { metrics } from '../runs/scores.js';
import { isDone, type Question, type SweepRun } from '../runs/sweep-manifest.js';
import type { Judgement } from '../statistics/sequential.js';
import { makeFolders, removeTemporaries } from '../system/atomic.js';
import { lockFolder } from '../system/lock.js';
import { lastError, startRun } from './child.js';
import type { RunFlags } from './command.js';
import { rungLine } from './halving.js';
import { lengthOf } from './length.js';
import { hasReached, type Look, lookAgain, writeLook } from './look.js';
import { clearAway, nextStep, readManifest, refresh, writeArms, writeManifest } from './manifest.js';
import type { SweepPlan } from './plan.js';
import { sweepProgress } from './progress.js';

/** How to carry out a plan. */
export interface SweepOptions extends RunFlags {
  /** The sweep's folder. */
  directory: string;
  /** Number of runs at the same time. */
  jobs: number;
  /** When aborted, no further run starts, and running ones are asked to write a checkpoint and end. */
  signal: AbortSignal;
}

const pollMs = 500;

/**
 * Trains the runs of the plan as they become due, each in its own process; finished runs are kept. Returns the runs
 * that became due with their final states. Throws ClrError if another process sweeps into the folder, or if an arm's
 * config or the question has changed.
 */
export async function runSweep(plan: SweepPlan, options: SweepOptions): Promise<SweepRun[]> {
  const { directory, signal } = options;
  makeFolders(directory);
  const unlock = lockFolder(directory, options);
  try {
    removeTemporaries(directory);
    const { planned, others, rungs } = readManifest(directory, plan);
    writeArms(directory, plan);
    nameOtherArms(directory, plan, others);
    for (let before: Look | undefined; ; ) {
      const look = { ...lookAgain(plan, directory, planned, before?.rungs ?? rungs), others };
      report(plan, look, before);
      writeLook(plan, directory, look);
      if (look.due.length === 0 || signal.aborted) return look.runs;
      const record = (run: SweepRun) => {
        for (const list of [planned, look.runs]) list[list.findIndex((one) => one.directory === run.directory)] = run;
        writeManifest(directory, plan, look);
      };
      await launch(look, plan, record, options);
      const { due, runs, untilEpoch } = look;
      const now = runs.filter((run) => due.some((one) => one.directory === run.directory));
      if (!now.every((run) => hasReached(directory, run, untilEpoch))) return runs;
      before = look;
    }
  } finally {
    unlock();
  }
}

/** Trains the due runs in processes on this machine, `jobs` at a time; calls `record` for each change. */
async function launch(
  { due, runs, untilEpoch }: Look,
  plan: SweepPlan,
  record: (run: SweepRun) => void,
  options: SweepOptions,
): Promise<void> {
  const { directory, jobs, signal } = options;
  const lengths = new Map(plan.arms.map(({ name, config }) => [name, lengthOf(config, untilEpoch)]));
  const known = new Map(runs.map((run) => [run.directory, run]));
  const note = (run: SweepRun) => {
    known.set(run.directory, run);
    record(run);
  };
  const progress = sweepProgress(directory, runs, lengths, (run) => hasReached(directory, run, untilEpoch));
  const queue = due.values();
  let broken: unknown; // a worker's error: the others finish their runs, which the sweep's lock covers, and start none
  const work = async () => {
    for (const run of queue) {
      if (signal.aborted || broken) return;
      progress.begin(run);
      await finishRun(run, note, { ...options, untilEpoch });
      progress.end(known.get(run.directory)!);
    }
  };
  const workers = Array.from({ length: jobs }, () =>
    work().catch((error) => {
      broken ??= error;
    }),
  );
  await Promise.all(workers);
  progress.stop();
  if (broken) throw broken;
}

/** Runs of arms that the plan does not have stay in the folder, and in every table made from it. */
function nameOtherArms(directory: string, plan: SweepPlan, others: readonly SweepRun[]): void {
  const planned = new Set(plan.arms.map(({ name }) => name));
  const arms = new Set(others.map(({ arm }) => arm).filter((arm) => !planned.has(arm)));
  if (arms.size > 0)
    process.stderr.write(`${directory} also holds runs of arms that are not in this sweep: ${[...arms].join(', ')}\n`);
}

/** Writes a line to stderr for each arm with a new look, and for each new ranking. */
function report({ question, halving }: SweepPlan, { standing, rungs }: Look, before: Look | undefined): void {
  for (const [arm, judgement] of standing) {
    const { looks, seeds } = judgement;
    if (looks > (before?.standing.get(arm)?.looks ?? 0))
      process.stderr.write(`look ${looks}, ${seeds} seeds: ${standingLine(arm, judgement, question!)}\n`);
  }
  for (const rung of rungs.slice(before?.rungs.length)) process.stderr.write(`${rungLine(rung, halving!)}\n`);
}

/** The judgement of an arm, in words. */
export function standingLine(arm: string, { verdict, finding }: Judgement, { baseline, metric }: Question): string {
  const { digits } = metrics[metric];
  const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
  const where = finding
    ? ` ${signed(finding.difference)} [${signed(finding.low)}, ${signed(finding.high)}] against ${baseline}`
    : '';
  return `${arm}${where}: ${verdict}`;
}

/**
 * Starts or resumes the run once. If another process on this machine has it (after only the sweep was killed), waits
 * for that process. A run that is locked from elsewhere stays as it is.
 */
async function finishRun(start: SweepRun, record: (run: SweepRun) => void, options: SweepOptions): Promise<void> {
  const { directory, signal } = options;
  let run = start;
  for (let attempted = false; !signal.aborted; ) {
    const next = nextStep(directory, run, options);
    if (next === 'nothing' || next === 'locked') break;
    if (next === 'wait') {
      if (run.status !== 'running') record({ ...run, status: 'running' });
      await sleep(pollMs);
      run = refresh(directory, { ...run, status: 'running' });
      continue;
    }
    if (attempted) break;
    attempted = true;
    if (next === 'start') clearAway(directory, run);
    record({ ...run, status: 'running', message: undefined });
    const failure = await failureOf(startRun(directory, run, options), signal);
    run = refresh(directory, { ...run, status: 'running' });
    if (failure && !isDone(run) && !['wait', 'locked'].includes(nextStep(directory, run)))
      run = { ...run, ...why(failure, run, directory) };
  }
  record(run);
}

interface Failure {
  status: 'interrupted' | 'failed';
  message: string;
}

/** Waits for the process; undefined: it succeeded, or the run diverged, which its folder records. */
async function failureOf(child: ChildProcess, signal: AbortSignal): Promise<Failure | undefined> {
  const interrupt = () => child.kill('SIGINT');
  signal.addEventListener('abort', interrupt);
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (code === 0 || code === exitCodes.diverged) return undefined;
    if (killedBy) return { status: 'interrupted', message: `killed by ${killedBy}` };
    const interrupted = code !== null && code > 128; // by a signal that the run noticed
    return { status: interrupted ? 'interrupted' : 'failed', message: `ended with exit code ${code}` };
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

/** Adds the run's own message: from its summary if it was interrupted, from its log if it failed. */
function why(failure: Failure, run: SweepRun, directory: string): Failure {
  const own = failure.status === 'failed' ? lastError(directory, run) : run.message;
  return { ...failure, message: own ?? failure.message };
}

/** Seconds that the unfinished runs will take, from the mean of the finished ones; undefined if there are none. */
export function estimate(runs: readonly SweepRun[], jobs: number): number | undefined {
  const done = runs.filter((run) => run.status === 'completed').map((run) => run.seconds ?? 0);
  if (done.length === 0) return undefined;
  const perRun = done.reduce((sum, seconds) => sum + seconds, 0) / done.length;
  const left = runs.filter((run) => !isDone(run)).length;
  return perRun * Math.ceil(left / jobs);
}

/** The default folder of a sweep, beside the numbered runs. */
export function sweepFolder(runs: string, name: string): string {
  return path.join(runs, `sweep-${name}`);
}
