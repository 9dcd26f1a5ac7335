import { type Standing, standingOf } from '../runs/standing.js';
import type { SweepRun } from '../runs/sweep-manifest.js';
import { makeFolders } from '../system/atomic.js';
import { lockFolder } from '../system/lock.js';
import { dueRuns, wantedRuns } from './due.js';
import { readManifest, writeArms, writeManifest } from './manifest.js';
import type { SweepPlan } from './plan.js';

/** Where a sweep stands. */
export interface Look {
  /** To be started or resumed next; with a question to decide, the next block of seeds. */
  due: SweepRun[];
  /** All that there are to be by the next look. */
  runs: SweepRun[];
  /** Those of earlier plans. */
  others: SweepRun[];
  /** How each arm but the baseline stands; empty without a question. */
  standing: Standing;
}

/** By the run folders; writes nothing. */
export function lookAt(plan: SweepPlan, directory: string): Look {
  const { planned, others } = readManifest(directory, plan);
  const { question, paired } = plan;
  const arms = plan.arms.map(({ name }) => name);
  const standing: Standing = question ? standingOf({ question, paired, arms, runs: planned }, directory) : new Map();
  const wanted = new Set(wantedRuns(plan, planned, standing));
  const runs = planned.filter((run) => run.status !== 'pending' || wanted.has(run));
  return { due: dueRuns(plan, planned, standing), runs, others, standing };
}

/** The sweep's folder with the configs of its arms and its manifest, for commands that are run elsewhere. */
export function prepareSweep(plan: SweepPlan, directory: string): Look {
  makeFolders(directory);
  const unlock = lockFolder(directory);
  try {
    const look = lookAt(plan, directory);
    writeArms(directory, plan);
    const { name, paired, question } = plan;
    writeManifest(directory, { name, paired, question, runs: [...look.runs, ...look.others] });
    return look;
  } finally {
    unlock();
  }
}
