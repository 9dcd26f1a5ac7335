import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * Processors that this process may use: those of its CPU affinity, no more than its cgroups' quota (rounded up), and in
 * a Slurm job, which some clusters confine by neither, no more than it was given.
 */
export function usableProcessors(): number {
  return Math.max(1, Math.min(os.availableParallelism(), Math.ceil(cpuQuota()), slurmProcessors()));
}

/** Infinity outside Slurm. SLURM_CPUS_PER_TASK is set only if the job asked for a number of CPUs. */
export function slurmProcessors(environment = process.env): number {
  const { SLURM_CPUS_PER_TASK: perTask, SLURM_CPUS_ON_NODE: onNode } = environment;
  return Number(perTask || onNode || Number.POSITIVE_INFINITY);
}

/** Processors' worth of time that the cgroups of this process may use; Infinity without a limit. `root`: for tests. */
export function cpuQuota(root = '/'): number {
  const groups = (read(root, 'proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const quotas = groups.flatMap(([, controllers = '', group = '/']) => {
    if (controllers === '') return foldersUpwards(group).map((folder) => quota2(root, folder));
    if (!controllers.split(',').includes('cpu')) return [];
    return foldersUpwards(group).map((folder) => quota1(root, folder));
  });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

/** cgroup v2: "max 100000" or "150000 100000", microseconds of each period. */
function quota2(root: string, group: string): number {
  const [quota, period] = (read(root, `sys/fs/cgroup${group}/cpu.max`) ?? 'max').split(' ');
  return quota === 'max' ? Number.POSITIVE_INFINITY : Number(quota) / Number(period);
}

/** cgroup v1: -1 means no limit. */
function quota1(root: string, group: string): number {
  const folder = `sys/fs/cgroup/cpu${group}`;
  const quota = Number(read(root, `${folder}/cpu.cfs_quota_us`) ?? -1);
  return quota > 0 ? quota / Number(read(root, `${folder}/cpu.cfs_period_us`)) : Number.POSITIVE_INFINITY;
}

/** "/a/b" -> "/a/b", "/a", "": a container often sees only the last. */
function foldersUpwards(group: string): string[] {
  const parts = group.split('/').filter((part) => part !== '' && part !== '..');
  return [...parts.keys(), parts.length].reverse().map((n) => ['', ...parts.slice(0, n)].join('/'));
}

function read(root: string, file: string): string | undefined {
  try {
    return readFileSync(path.join(root, file), 'utf8').trim();
  } catch {
    return undefined;
  }
}
