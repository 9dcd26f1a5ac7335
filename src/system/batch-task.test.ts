import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-batch-task-'));
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(scratch, 'run-'));
  vi.resetModules(); // the module caches squeue's answer
});

const locks = () => import('./lock.js');
function lockOf(task: object, name = 'lock-node7-0123456789ab-4026531836-7-99'): void {
  writeFileSync(path.join(folder, name), JSON.stringify(task));
}

/** Stands in for the commands of a Slurm whose queue holds these tasks. */
function slurmWith(tasks: string[], status = 0): void {
  const commands = {
    squeue: `printf '%s\\n' ${tasks.join(' ')}; exit ${status}`,
    scontrol: 'echo "ClusterName = here"',
  };
  for (const [name, line] of Object.entries(commands)) {
    writeFileSync(path.join(scratch, name), `#!/bin/sh\n${line}\n`);
    chmodSync(path.join(scratch, name), 0o755);
  }
  vi.stubEnv('PATH', `${scratch}:${process.env.PATH}`);
}

describe('a lock of a Slurm task on another node', () => {
  it('is held while Slurm knows the task, and by nobody once it does not', async () => {
    const { lockFolder, lockHolder } = await locks();
    lockOf({ id: '12_3', start: 1, cluster: 'here' });
    slurmWith(['12_3', '12_4']);
    expect(lockHolder(folder)).toMatchObject({ host: 'node7', known: false, task: '12_3' });
    expect(() => lockFolder(folder)).toThrow('in use by process 7 on node7 (task 12_3)');
    slurmWith(['12_4', '12_30']);
    expect(lockHolder(folder)).toBeDefined(); // by squeue's last answer
    const unlock = lockFolder(folder); // asks again
    unlock();
    expect(lockHolder(folder)).toBeUndefined();
  });

  it.each([
    ['squeue fails', { cluster: 'here' }, 1],
    ['it is of another cluster', { cluster: 'there' }, 0],
    ['its cluster is not known', {}, 0],
  ])('stays held if %s', async (_, more, status) => {
    const { lockFolder } = await locks();
    lockOf({ id: '12_3', start: 0, ...more });
    slurmWith(['12_4'], status);
    expect(() => lockFolder(folder)).toThrow('in use by process 7 on node7');
  });
});

it('a pod of Kubernetes takes over the lock of an earlier pod of its index, but of no other index', async () => {
  const { lockFolder } = await locks();
  lockOf({ id: os.hostname(), start: Date.now() - 60_000 });
  expect(() => lockFolder(folder)).toThrow('in use');
  vi.stubEnv('JOB_COMPLETION_INDEX', '3');
  lockFolder(folder)();
  lockOf({ id: 'sweep-4', start: Date.now() - 60_000 });
  expect(() => lockFolder(folder)).toThrow('in use');
});
