import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { SweepRun } from '../runs/sweep-manifest.js';
import { commandOf, type RunFlags } from './command.js';

/**
 * The run's command in a process of its own, writing to `<run folder>.log`. It has its own process group, so that Ctrl-C reaches it
 * only by way of the sweep; and it needs nothing of the sweep, whose end it survives.
 */
export function startRun(directory: string, run: SweepRun, flags: RunFlags): ChildProcess {
  const log = openSync(`${path.join(directory, run.directory)}.log`, 'a');
  try {
    const [node, ...args] = commandOf(directory, run, flags);
    return spawn(node!, args, { stdio: ['ignore', log, log], detached: true });
  } finally {
    closeSync(log);
  }
}

/** The last error in the run's log. */
export function lastError(directory: string, run: SweepRun): string | undefined {
  const log = readFileSync(`${path.join(directory, run.directory)}.log`, 'utf8');
  return log
    .match(/^clr: .*/gm)
    ?.at(-1)
    ?.slice('clr: '.length);
}
