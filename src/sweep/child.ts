import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { armFile, type SweepRun } from '../runs/sweep-manifest.js';
import { shipped } from '../system/root.js';
import type { Next } from './manifest.js';
import { assignments } from './plan.js';

const program = shipped('bin/clr.js');

/** The flags that every run of a sweep gets besides its config. */
export interface RunFlags {
  data?: string;
  cache: string;
  /** Of each process; undefined: the backend's own choice. */
  threads?: number;
}

/**
 * `clr run` in a process of its own, writing to `<run folder>.log`. It has its own process group, so that Ctrl-C reaches it
 * only by way of the sweep; and it needs nothing of the sweep, whose end it survives.
 */
export function startRun(directory: string, run: SweepRun, next: Next, flags: RunFlags): ChildProcess {
  const folder = path.join(directory, run.directory);
  const set = assignments(run.varied ?? {}).flatMap((assignment) => ['--set', assignment]);
  const what =
    next === 'resume'
      ? ['--resume', folder]
      : [armFile(directory, run.arm), '--seed', String(run.seed), '--run-dir', folder, ...set];
  const { data, cache, threads } = flags;
  const given = Object.entries({ data, cache, threads }).filter(([, value]) => value !== undefined);
  const log = openSync(`${folder}.log`, 'a');
  try {
    const rest = given.flatMap(([name, value]) => [`--${name}`, String(value)]);
    return spawn(process.execPath, [program, 'run', ...what, ...rest], { stdio: ['ignore', log, log], detached: true });
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
