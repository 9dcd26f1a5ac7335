import path from 'node:path';
import { armFile, type SweepRun } from '../runs/sweep-manifest.js';
import { shipped } from '../system/root.js';
import { assignments } from './plan.js';

/** Flags that every run of a sweep gets in addition to its config. */
export interface RunFlags {
  data?: string;
  cache: string;
  /** Threads of each process; undefined: the backend's own choice. */
  threads?: number;
  /** Resume runs that processes on other machines have locked. */
  takeOver?: boolean;
  /** Interrupt each run after this many epochs. */
  untilEpoch?: number | undefined;
}

/**
 * The command of a run: starts it, resumes it, or does nothing if it is done. It is the same for every launcher and can
 * be repeated. All paths are absolute.
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
