import { type Standing, standingOf } from '../runs/standing.js';
import { isDone, type Rung, type SweepRun } from '../runs/sweep-manifest.js';
import { makeFolders } from '../system/atomic.js';
import { lockFolder } from '../system/lock.js';
import type { RunFlags } from './command.js';
import { afterRungs, rank, scoreAfter, stepsOf } from './halving.js';
import { lastRow } from './last-row.js';
import { lengthOf } from './length.js';
import { readManifest, writeArms, writeManifest, writeStops } from './manifest.js';
import type { SweepPlan } from './plan.js';
import { wantedRuns } from './wanted.js';

/** The state of a sweep. */
export interface Look {
  /** Runs to start or resume next: with a question, the next block of seeds; with halving, the arms that are left. */
  due: SweepRun[];
  /** With halving, the epoch at which these runs wait for the next ranking; undefined: they train to the end. */
  untilEpoch: number | undefined;
  /** All runs that must exist before the next look. */
  runs: SweepRun[];
  /** Runs that only earlier plans contained. */
  others: SweepRun[];
  /** The judgement of each arm except the baseline; empty without a question. */
  standing: Standing;
  /** The rankings so far; empty without halving. */
  rungs: Rung[];
}

/** Reads the state from the run folders; writes nothing. */
export function lookAt(plan: SweepPlan, directory: string): Look {
  const { planned, others, rungs } = readManifest(directory, plan);
  return { ...lookAgain(plan, directory, planned, rungs), others };
}

/** The same from known runs (all of the plan) and recorded rankings. */
export function lookAgain(
  plan: SweepPlan,
  directory: string,
  planned: readonly SweepRun[],
  recorded: readonly Rung[],
): Omit<Look, 'others'> {
  const { question, paired } = plan;
  const arms = plan.arms.map(({ name }) => name);
  const standing: Standing = question ? standingOf({ question, paired, arms, runs: planned }, directory) : new Map();
  const { rungs, untilEpoch } = rankings(plan, directory, planned, recorded);
  const now = plan.halving ? planned.map((run) => afterRungs(run, rungs, plan.halving!)) : planned;
  const wanted = new Set(wantedRuns(plan, now, standing));
  const runs = now.filter((run) => run.status !== 'pending' || wanted.has(run));
  const due = [...wanted].filter((run) => !hasReached(directory, run, untilEpoch));
  return { due, untilEpoch, runs, standing, rungs };
}

function rankings(
  { halving, arms, seeds }: SweepPlan,
  directory: string,
  planned: readonly SweepRun[],
  recorded: readonly Rung[],
): Pick<Look, 'rungs' | 'untilEpoch'> {
  if (!halving) return { rungs: [], untilEpoch: undefined };
  const names = arms.map(({ name }) => name);
  const { epochs } = lengthOf(arms[0]!.config); // the same in all
  const rungs = rank({ halving, arms: names, seeds, epochs }, recorded, (arm, seed, epoch) => {
    const run = planned.find((one) => one.arm === arm && one.seed === seed)!;
    return scoreAfter(directory, run, epoch, halving);
  });
  return { rungs, untilEpoch: stepsOf(halving, names.length, epochs)[rungs.length]?.epoch };
}

/** Whether the run is done, or has stopped at `untilEpoch` to wait for the others. */
export function hasReached(directory: string, run: SweepRun, untilEpoch: number | undefined): boolean {
  if (isDone(run)) return true;
  if (untilEpoch === undefined || run.status !== 'interrupted') return false;
  return (lastRow(directory, run, 'metrics.csv')?.epoch ?? 0) >= untilEpoch;
}

/** Records the state: the manifest, and the stopped runs in their own folders. */
export function writeLook(plan: SweepPlan, directory: string, look: Look): void {
  writeManifest(directory, plan, look);
  writeStops(directory, look.runs);
}

/** Writes the arms' configs and the manifest into the sweep's folder, for commands that run elsewhere. */
export function prepareSweep(plan: SweepPlan, directory: string, flags: Pick<RunFlags, 'takeOver'>): Look {
  makeFolders(directory);
  const unlock = lockFolder(directory, flags);
  try {
    const look = lookAt(plan, directory);
    writeArms(directory, plan);
    writeLook(plan, directory, look);
    return look;
  } finally {
    unlock();
  }
}
