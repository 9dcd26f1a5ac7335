import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A task of a batch system: of a Slurm array, or an index of a Kubernetes Job. */
export interface BatchTask {
  /** Slurm: `12_3`, the array's job and the task in it; Kubernetes: the host name, which all pods of an index share. */
  id: string;
  /** Larger at each start of the task: Slurm's restart count; under Kubernetes the time, in ms. */
  start: number;
  /** Slurm's ClusterName. */
  cluster?: string;
}

/** The task that this process runs as, from its environment variables; undefined: none. */
export function batchTask(environment = process.env): BatchTask | undefined {
  const { SLURM_ARRAY_JOB_ID: job, SLURM_ARRAY_TASK_ID: task, SLURM_RESTART_COUNT: restarts } = environment;
  const { SLURM_CLUSTER_NAME: cluster, JOB_COMPLETION_INDEX: index } = environment;
  if (job && task) return { id: `${job}_${task}`, start: Number(restarts ?? 0), ...(cluster && { cluster }) };
  return index ? { id: os.hostname(), start: Math.round(performance.timeOrigin) } : undefined;
}

/** The task whose lock the file is; undefined: the lock of a process outside a batch system. */
export function taskOfLock(file: string): BatchTask | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as BatchTask | null) ?? undefined;
  } catch {
    return undefined; // empty, or removed by now
  }
}

/**
 * Whether the lock is of an earlier start of this process's own task. After a node has failed, Slurm restarts its tasks
 * elsewhere, and ends what is left of them on the failed node as soon as it responds; Kubernetes replaces a pod only
 * after it has ended (podReplacementPolicy: Failed).
 */
export function isEarlierStart(file: string): boolean {
  const [own, holder] = [batchTask(), taskOfLock(file)];
  return own !== undefined && holder?.id === own.id && holder.start < own.start;
}

/** Whether one of the folder's locks is of an earlier start of this process's own task. */
export function holdsEarlierStart(directory: string): boolean {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith('lock-')) : [];
  return names.some((name) => isEarlierStart(path.join(directory, name)));
}

/**
 * Whether the lock is of a Slurm task of this user that Slurm no longer knows, as after scancel. False if Slurm cannot
 * be asked. An answer of squeue that is at most `maxAge` ms old is used again.
 */
export function hasLeftSlurm(file: string, maxAge: number): boolean {
  const { id, cluster } = taskOfLock(file) ?? {};
  if (id === undefined || cluster === undefined) return false;
  // squeue may hide the tasks of other users
  const isOwn = statSync(file, { throwIfNoEntry: false })?.uid === process.getuid?.();
  return isOwn && cluster === clusterName() && tasksInSlurm(maxAge)?.has(id) === false;
}

let queue: { tasks: Set<string>; time: number } | undefined;

/** Ids of the tasks that wait, run, or are ending; undefined: squeue does not answer. */
function tasksInSlurm(maxAge: number): Set<string> | undefined {
  if (queue && Date.now() - queue.time < maxAge) return queue.tasks;
  const time = Date.now();
  const lines = output('squeue', ['--noheader', '--array', '--format', '%F_%K']);
  queue = lines === undefined ? undefined : { tasks: new Set(lines.split('\n')), time };
  return queue?.tasks;
}

let cluster: string | undefined;

function clusterName(): string | undefined {
  cluster ??= process.env.SLURM_CLUSTER_NAME;
  cluster ??= /^ClusterName\s*=\s*(\S+)/m.exec(output('scontrol', ['show', 'config']) ?? '')?.[1];
  return cluster;
}

function output(command: string, args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000, maxBuffer: 1 << 28 });
  return status === 0 ? stdout : undefined;
}
