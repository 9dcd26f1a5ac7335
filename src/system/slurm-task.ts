import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A task of a Slurm array, and how often it has been started again. */
export interface SlurmTask {
  /** `12_3`: the array's job and the task in it. */
  id: string;
  restarts: number;
}

/** The one that this process is, by the environment that Slurm gives a batch script; undefined: none. */
export function slurmTask(environment = process.env): SlurmTask | undefined {
  const { SLURM_ARRAY_JOB_ID: job, SLURM_ARRAY_TASK_ID: task, SLURM_RESTART_COUNT: restarts } = environment;
  return job && task ? { id: `${job}_${task}`, restarts: Number(restarts ?? 0) } : undefined;
}

/** Whose lock the file is; undefined: that of a process outside Slurm. */
export function taskOfLock(file: string): SlurmTask | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SlurmTask;
  } catch {
    return undefined; // empty, or removed by now
  }
}

/**
 * Whether the lock is of an earlier start of the task that this process is: after a node has failed, Slurm starts its tasks
 * again elsewhere, and ends what is left of them on the failed node as soon as that answers.
 */
export function isEarlierStart(file: string): boolean {
  const [own, holder] = [slurmTask(), taskOfLock(file)];
  return own !== undefined && holder?.id === own.id && holder.restarts < own.restarts;
}

/** Whether one of the folder's locks is. */
export function holdsEarlierStart(directory: string): boolean {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith('lock-')) : [];
  return names.some((name) => isEarlierStart(path.join(directory, name)));
}
