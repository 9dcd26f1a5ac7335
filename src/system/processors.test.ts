import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cpuQuota, slurmProcessors } from './processors.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-processors-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function machine(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(scratch, 'root-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(root, file), `${text}\n`);
  }
  return root;
}

test.each([
  ['no cgroups', {}, Number.POSITIVE_INFINITY],
  [
    'cgroup v2 without a limit',
    { 'proc/self/cgroup': '0::/a', 'sys/fs/cgroup/a/cpu.max': 'max 100000' },
    Number.POSITIVE_INFINITY,
  ],
  ['cgroup v2', { 'proc/self/cgroup': '0::/a/b', 'sys/fs/cgroup/a/b/cpu.max': '150000 100000' }, 1.5],
  [
    "a parent group's lower limit",
    {
      'proc/self/cgroup': '0::/a/b',
      'sys/fs/cgroup/a/b/cpu.max': '400000 100000',
      'sys/fs/cgroup/a/cpu.max': '200000 100000',
    },
    2,
  ],
  [
    'a container, which sees its group at the root',
    { 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': '50000 100000' },
    0.5,
  ],
  [
    'cgroup v1',
    {
      'proc/self/cgroup': '5:memory:/m\n4:cpu,cpuacct:/docker/x',
      'sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us': '300000',
      'sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us': '100000',
    },
    3,
  ],
  [
    'cgroup v1 without a limit',
    { 'proc/self/cgroup': '4:cpu,cpuacct:/', 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1' },
    Number.POSITIVE_INFINITY,
  ],
])('the CPU quota of %s', (_what, files, quota) => {
  expect(cpuQuota(machine(files))).toBe(quota);
});

test.each([
  ['outside Slurm', {}, Number.POSITIVE_INFINITY],
  ['in a job that asked for them', { SLURM_CPUS_PER_TASK: '4', SLURM_CPUS_ON_NODE: '8' }, 4],
  ['in a job that asked for none', { SLURM_CPUS_ON_NODE: '2' }, 2],
])('the processors that Slurm gives %s', (_what, environment, count) => {
  expect(slurmProcessors(environment)).toBe(count);
});
