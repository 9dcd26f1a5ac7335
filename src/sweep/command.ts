import path from 'node:path';
import { armFile, type SweepRun } from '../runs/sweep-manifest.js';
import { shipped } from '../system/root.js';
import { assignments } from './plan.js';

/** The flags that every run of a sweep gets besides its config. */
export interface RunFlags {
  data?: string;
  cache: string;
  /** Of each process; undefined: the backend's own choice. */
  threads?: number;
  /** Resume runs that processes on other machines have locked. */
  takeOver?: boolean;
  /** Interrupt each run once so many epochs are done. */
  untilEpoch?: number | undefined;
}

/**
 * The one command of a run: starts it, resumes it, or does nothing when it is done. The same for every launcher, and as often
 * as you like. All paths are absolute.
 */
export function commandOf(directory: string, run: SweepRun, flags: RunFlags): string[] {
  const { data, cache, threads, takeOver, untilEpoch } = flags;
  const absolute = path.resolve(directory);
  const set = assignments(run.varied ?? {}).flatMap((assignment) => ['--set', assignment]);
  return [
    ...[process.execPath, shipped('bin/clr.js'), 'run', armFile(absolute, run.arm), '--seed', String(run.seed), ...set],
    ...['--run-dir', path.join(absolute, run.directory), '--or-resume', '--cache', path.resolve(cache)],
    ...(data === undefined ? [] : ['--data', path.resolve(data)]),
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
    ...(untilEpoch === undefined ? [] : ['--until-epoch', String(untilEpoch)]),
    ...(takeOver ? ['--take-over'] : []),
  ];
}

/** For a POSIX shell. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}
