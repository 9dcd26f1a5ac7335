import { readdirSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ConfigFlags, configFromFlags } from './commands/options.js';
import type { ExperimentConfig } from './config.js';
import { ClrError } from './errors.js';
import { validateConfig } from './load-config.js';
import { readJson } from './results/read-run.js';

/** What may differ when a run goes on: nothing of it changes a number, apart from rounding. */
const mayChange = new Set(['$schema', 'name', 'source', 'expected', 'backend', 'threads', 'device', 'checkpoint']);

/** A run's folder by its path, or the newest one in `runs` for "latest". */
export function findRun(run: string, runs: string): string {
  if (run !== 'latest') return run;
  const numbers = readdirSync(runs).filter((name) => /^\d+$/.test(name));
  const newest = numbers.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new ClrError('usage', `no run in ${runs} to go on with`);
  return path.join(runs, newest);
}

/** The run's own config; with a file or overrides named, that one, if it differs in nothing that would change the run. */
export async function resumedConfig(
  run: string,
  file: string | undefined,
  flags: ConfigFlags,
): Promise<ExperimentConfig> {
  const own = path.join(run, 'config.json');
  const stored = validateConfig(readJson(run, 'config.json'), own);
  const asked = await configFromFlags(file ?? own, flags);
  const changed = Object.keys({ ...stored, ...asked }).filter((key) => {
    const [before, after] = [stored, asked].map((config) => config[key as keyof ExperimentConfig]);
    return !mayChange.has(key) && !isDeepStrictEqual(before, after);
  });
  if (changed.length === 0) return asked;
  throw new ClrError(
    'usage',
    `cannot go on with ${run}: the config differs in ${changed.join(', ')}`,
    'start a new run for it',
  );
}
