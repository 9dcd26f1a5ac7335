import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { SweepRun } from '../runs/sweep-manifest.js';
import { commandOf, type RunFlags } from './command.js';

/**
 * Starts the run's command in its own process, which writes to `<run folder>.log`. It has its own process group: Ctrl-C
 * reaches it only through the sweep, and it survives the sweep's death.
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
