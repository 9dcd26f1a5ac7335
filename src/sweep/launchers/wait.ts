import { setTimeout as sleep } from 'node:timers/promises';
import type { SweepRun } from '../../runs/sweep-manifest.js';
import { prepareSweep } from '../look.js';
import type { SweepPlan } from '../plan.js';
import type { SweepOptions } from '../sweep.js';
import { submitArrays } from './launch.js';
import { heldTasks } from './slurm.js';

const pollMs = 10_000;
/** How often to look at the folders once Slurm holds nothing more: a shared file system may lag. */
const looks = 3;

/**
 * As `runSweep`, but on Slurm: submits the runs as they become due and waits for them; a run that is not done
 * afterwards has failed. Throws the signal's reason; submitted runs stay in Slurm, and another call waits for them.
 */
export async function sweepOnSlurm(
  plan: SweepPlan,
  { directory, signal, ...flags }: SweepOptions & { slurm: string[] },
): Promise<SweepRun[]> {
  const submitted = new Set<string>();
  for (let idle = 0; ; ) {
    const held = heldTasks(directory); // before the look: a task that ends in between is done by then
    const { due, runs, untilEpoch } = prepareSweep(plan, directory, flags);
    const names = due.map((run) => `${run.directory} until ${untilEpoch}`);
    if (due.length === 0) return runs;
    if (held.size > 0) idle = 0;
    else if (!names.some((name) => submitted.has(name))) {
      submitArrays(plan, directory, flags, process.stderr);
      for (const name of names) submitted.add(name);
    } else if (++idle === looks) return runs;
    await sleep(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
