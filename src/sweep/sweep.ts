import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes } from '../errors.js';
import { lockFolder } from '../runs/lock.js';
import { makeFolders, removeTemporaries } from '../system/atomic.js';
import { lastError, type RunFlags, startRun } from './child.js';
import {
  clearAway,
  isDone,
  nextStep,
  readManifest,
  refresh,
  type SweepRun,
  writeArms,
  writeManifest,
} from './manifest.js';
import type { SweepPlan } from './plan.js';
import { sweepProgress } from './progress.js';

/** How a plan is carried out. */
export interface SweepOptions extends RunFlags {
  /** The sweep's folder. */
  directory: string;
  /** Runs at the same time. */
  jobs: number;
  /** Aborted: no run is started any more, those at work are asked to write a checkpoint and end. */
  signal: AbortSignal;
}

const pollMs = 500;

/**
 * Brings every run of the plan to its end, each in its own process; what is done already stays. Returns the planned runs as
 * they stand then. Throws ClrError where another process sweeps into the folder, or an arm's config is another than before.
 */
export async function runSweep(plan: SweepPlan, options: SweepOptions): Promise<SweepRun[]> {
  const { directory, signal } = options;
  makeFolders(directory);
  const unlock = lockFolder(directory);
  try {
    removeTemporaries(directory);
    const { planned, others } = readManifest(directory, plan);
    writeArms(directory, plan);
    const save = () => writeManifest(directory, { name: plan.name, runs: [...planned, ...others] });
    save();
    const epochs = new Map(plan.arms.map(({ name, config }) => [name, Math.ceil(config.epochs)]));
    const progress = sweepProgress(directory, planned, epochs);
    const queue = planned.keys();
    let broken: unknown; // a worker's error: the others end the runs at hand, since the sweep's lock covers them, and start none
    const work = async () => {
      for (const i of queue) {
        if (signal.aborted || broken) return;
        const record = (run: SweepRun) => {
          planned[i] = run;
          save();
        };
        if (nextStep(directory, planned[i]!) === 'nothing') continue;
        progress.begin(planned[i]!);
        await bringToEnd(planned[i]!, record, options);
        progress.end(planned[i]!, estimate(planned, options.jobs));
      }
    };
    const workers = Array.from({ length: options.jobs }, () =>
      work().catch((error) => {
        broken ??= error;
      }),
    );
    await Promise.all(workers);
    progress.stop();
    if (broken) throw broken;
    return planned;
  } finally {
    unlock();
  }
}

/** Starts or resumes the run once; where another process has it, as after the sweep alone was killed, waits for that. */
async function bringToEnd(start: SweepRun, record: (run: SweepRun) => void, options: SweepOptions): Promise<void> {
  const { directory, signal } = options;
  let run = start;
  for (let attempted = false; !signal.aborted; ) {
    const next = nextStep(directory, run);
    if (next === 'nothing') break;
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
    const failure = await failureOf(startRun(directory, run, next, options), signal);
    run = refresh(directory, { ...run, status: 'running' });
    if (failure && !isDone(run) && nextStep(directory, run) !== 'wait')
      run = { ...run, ...why(failure, run, directory) };
  }
  record(run);
}

interface Failure {
  status: 'interrupted' | 'failed';
  message: string;
}

/** Waits for the process; undefined: it ended well, or the run diverged, which its folder tells. */
async function failureOf(child: ChildProcess, signal: AbortSignal): Promise<Failure | undefined> {
  const interrupt = () => child.kill('SIGINT');
  signal.addEventListener('abort', interrupt);
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (code === 0 || code === exitCodes.diverged) return undefined;
    if (killedBy) return { status: 'interrupted', message: `killed by ${killedBy}` };
    const interrupted = code === 130 || code === 143;
    return { status: interrupted ? 'interrupted' : 'failed', message: `ended with exit code ${code}` };
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

/** With what the run says itself: in its summary if it was interrupted, in its log if it failed. */
function why(failure: Failure, run: SweepRun, directory: string): Failure {
  const own = failure.status === 'failed' ? lastError(directory, run) : run.message;
  return { ...failure, message: own ?? failure.message };
}

/** Seconds that the runs yet to be done will take, by the mean of those done; undefined: none is done. */
export function estimate(runs: readonly SweepRun[], jobs: number): number | undefined {
  const done = runs.filter((run) => run.status === 'completed').map((run) => run.seconds ?? 0);
  if (done.length === 0) return undefined;
  const perRun = done.reduce((sum, seconds) => sum + seconds, 0) / done.length;
  const left = runs.filter((run) => !isDone(run)).length;
  return perRun * Math.ceil(left / jobs);
}

/** By default a sweep lies beside the numbered runs. */
export function sweepFolder(runs: string, name: string): string {
  return path.join(runs, `sweep-${name}`);
}
