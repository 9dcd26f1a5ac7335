import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClrError } from '../errors.js';
import { cannotWrite, removeIfPossible } from './atomic.js';
import { batchTask, hasLeftSlurm, isEarlierStart, taskOfLock } from './batch-task.js';

/** The process that holds the lock of a folder. */
export interface LockHolder {
  pid: number;
  host: string;
  /** Whether it is known to be running; one on another machine or in another container cannot be checked from here. */
  known: boolean;
  since: Date;
  /** Its task in a batch system, such as `12_3`. */
  task?: string;
}

/**
 * Locks a folder (of a run, of a sweep, of downloads) for this process; the function that it returns releases it.
 * Throws ClrError('usage') if another process holds it; with `takeOver` only if that process is known to be running. A
 * process that was killed holds no lock.
 *
 * Each process makes a file with a unique name, `lock-<host>-<boot>-<pid namespace>-<pid>-<start>`, and only then looks
 * for others. Of two that start at once at least one sees the other, and the file of a dead process can be removed
 * without a race, since no other process ever uses its name.
 */
export function lockFolder(directory: string, { takeOver = false } = {}): () => void {
  const own = path.join(directory, ownName());
  try {
    writeFileSync(own, JSON.stringify(batchTask() ?? null), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(own, error);
    throw inUse(directory, { pid: process.pid, host, known: true, since: statSync(own).ctime });
  }
  const unlock = () => removeIfPossible(own); // if it remains, it counts as a dead process's
  for (const name of locksIn(directory)) {
    const other = path.join(directory, name);
    if (other === own) continue;
    const state = stateOf(directory, name, 0);
    if (state === 'running' || (state === 'unknown' && !takeOver)) {
      unlock();
      throw inUse(directory, holderOf(directory, name));
    }
    removeIfPossible(other);
  }
  return unlock;
}

/**
 * The process that holds the folder's lock; undefined if there is none, or no such folder. A run whose summary says
 * `running` without a holder was killed.
 */
export function lockHolder(directory: string): LockHolder | undefined {
  const held = existsSync(directory)
    ? locksIn(directory).find((name) => stateOf(directory, name, glanceMs) !== 'dead')
    : undefined;
  return held === undefined ? undefined : holderOf(directory, held);
}

/** Whether a file with that name would be taken for a lock. */
export function isLockName(name: string): boolean {
  return lockName.test(name);
}

/** Host, boot and PID namespace (absent in locks of clr 0.1), PID, start. */
const lockName = /^lock-(.*?)(?:-([0-9a-f]{12})-(\d+))?-(\d+)-(\d+)$/;
/** How old an answer of Slurm may be when a lock is only inspected, not taken. */
const glanceMs = 30_000;
const host = os.hostname().replace(/[^\w.]/g, '_');
/** PID namespace outside containers, in every kernel since 3.8: PROC_PID_INIT_INO in linux/proc_ns.h. */
const firstNamespace = '4026531836';

interface Owner {
  host: string;
  boot: string | undefined;
  namespace: string | undefined;
  pid: number;
  start: string;
}

function parse(name: string): Owner {
  const [, owner, boot, namespace, pid, start] = lockName.exec(name)!;
  return { host: owner!, boot, namespace, pid: Number(pid), start: start! };
}

const ownName = () => `lock-${host}-${bootId()}-${pidNamespace()}-${process.pid}-${startOf(process.pid) ?? 0}`;

/** Differs after each boot: 12 hexadecimal digits; containers share their host's. Zeros without /proc. */
function bootId(): string {
  const id = readText('/proc/sys/kernel/random/boot_id')?.replaceAll(/[^0-9a-f]/g, '');
  return id?.slice(0, 12).padEnd(12, '0') ?? '0'.repeat(12);
}

/** Processes of one namespace see each other by their PIDs; a container has its own. 0 without /proc. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '') || '0';
  } catch {
    return '0';
  }
}

/**
 * Unknown: a process on another machine, or in another container, cannot be checked. But an earlier start of this
 * process's own batch task has ended, or will be ended by the batch system, and a task that Slurm no longer knows has
 * ended too. Slurm's answer may be `maxAge` ms old.
 */
function stateOf(directory: string, name: string, maxAge: number): 'running' | 'dead' | 'unknown' {
  const file = path.join(directory, name);
  const state = stateByName(name);
  return state === 'unknown' && (isEarlierStart(file) || hasLeftSlurm(file, maxAge)) ? 'dead' : state;
}

function stateByName(name: string): 'running' | 'dead' | 'unknown' {
  const { host: owner, boot = bootId(), namespace = pidNamespace(), pid, start } = parse(name);
  if (owner !== host) return 'unknown';
  const restarted = boot !== bootId() && namespace === firstNamespace && pidNamespace() === firstNamespace;
  if (restarted) return 'dead';
  if (boot !== bootId() || namespace !== pidNamespace()) return 'unknown';
  return exists(pid) && start === (startOf(pid) ?? '0') ? 'running' : 'dead';
}

function holderOf(directory: string, name: string): LockHolder {
  const { host: owner, pid } = parse(name);
  const file = path.join(directory, name);
  const since = statSync(file, { throwIfNoEntry: false })?.ctime ?? new Date();
  const task = taskOfLock(file)?.id;
  return { pid, host: owner, known: stateByName(name) === 'running', since, ...(task && { task }) };
}

function locksIn(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && isLockName(entry.name)).map(({ name }) => name);
}

/** A process's start in clock ticks since boot, which tells two with the same PID apart; undefined without /proc. */
function startOf(pid: number): string | undefined {
  const fields = readText(`/proc/${pid}/stat`);
  if (fields === undefined) return undefined;
  const [state, ...rest] = fields.slice(fields.lastIndexOf(')') + 2).split(' '); // fields 3 to 52 of proc(5)
  return state === 'Z' ? undefined : rest[18]; // a zombie has ended, even if its parent has not waited for it
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0); // signal 0 only checks
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}

/** "process 7 on node3", and where that is if it cannot be checked. */
export function describeHolder({ pid, host: owner, known, task }: LockHolder): string {
  if (known) return `process ${pid}`;
  if (task) return `process ${pid} on ${owner} (task ${task})`;
  return `process ${pid} on ${owner}${owner === host ? ' (another container or machine of this name)' : ''}`;
}

function inUse(directory: string, holder: LockHolder): ClrError {
  const message = `${directory} is in use by ${describeHolder(holder)}, since ${holder.since.toISOString()}`;
  const hint = holder.known
    ? 'wait until it ends, or end it'
    : 'wait until it ends; if it has ended without removing its lock, add --take-over';
  return new ClrError('usage', message, hint);
}
