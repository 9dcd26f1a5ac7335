import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClrError } from '../errors.js';
import { cannotWrite } from '../system/atomic.js';
import { isEarlierStart, slurmTask } from '../system/slurm-task.js';

/**
 * Reserves a folder (of a run, of a sweep) for this process; call what it returns to give it back. Throws ClrError('usage') when another
 * process has it. A process that was killed has nothing reserved.
 *
 * Each process makes a file whose name is its own, `lock-<host>-<pid>-<start>`, and only then looks for others. Of two
 * that start at once at least one sees the other, and what a dead process left can be removed without a race, since no
 * other process ever has its name.
 */
export function lockFolder(directory: string): () => void {
  const own = path.join(directory, nameOf(process.pid));
  try {
    writeFileSync(own, JSON.stringify(slurmTask() ?? null), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw inUse(directory, own);
    throw cannotWrite(own, error);
  }
  const unlock = () => rmSync(own, { force: true });
  for (const name of locksIn(directory)) {
    const other = path.join(directory, name);
    if (other === own) continue;
    if (isAlive(directory, name)) {
      unlock();
      throw inUse(directory, other);
    }
    rmSync(other, { force: true });
  }
  return unlock;
}

/**
 * The number of the process that has the folder reserved; undefined where none has, or there is no such folder. A run whose
 * summary says `running` without one was killed.
 */
export function lockHolder(directory: string): number | undefined {
  const held = existsSync(directory) ? locksIn(directory).find((name) => isAlive(directory, name)) : undefined;
  return held === undefined ? undefined : Number(lockName.exec(held)![2]);
}

function locksIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => lockName.test(name));
}

/** Host, number of the process, its start. */
const lockName = /^lock-(.*)-(\d+)-(\d+)$/;
const host = os.hostname().replace(/[^\w.]/g, '_');
const nameOf = (pid: number) => `lock-${host}-${pid}-${startOf(pid) ?? 0}`;

/**
 * A process on another machine is taken for alive, since there is no way to know; but an earlier start of the Slurm task that
 * this process is has ended, or is ended by Slurm.
 */
function isAlive(directory: string, name: string): boolean {
  const [, owner, pid] = lockName.exec(name)!;
  if (owner !== host) return !isEarlierStart(path.join(directory, name));
  return exists(Number(pid)) && name === nameOf(Number(pid));
}

/** In clock ticks since the machine was started, which tells two processes of the same number apart; undefined without /proc. */
function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...rest] = fields.slice(fields.lastIndexOf(')') + 2).split(' '); // fields 3 to 52 of proc(5)
    return state === 'Z' ? undefined : rest[18]; // a zombie has ended, whether or not its parent asks
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0); // no signal, only a look
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}

function inUse(directory: string, lock: string): ClrError {
  const [, owner, pid] = lockName.exec(path.basename(lock))!;
  const where = owner === host ? '' : ` on ${owner}`;
  const hint = `wait until it ends; if it has, remove ${lock}`;
  return new ClrError('usage', `${directory} is in use by process ${pid}${where}`, hint);
}
