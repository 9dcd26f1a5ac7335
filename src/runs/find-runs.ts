import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { printable } from '../system/printable.js';
import { readJson } from './read-run.js';

/** A folder left out, and why. */
export interface Skipped {
  path: string;
  reason: string;
}

const maxDepth = 4; // of run folders below a named folder: runs/sweep-x/arm/seed-1, and one to spare

/**
 * The run folders that `paths` name: run folders, sweep folders (in the order of their manifest) and folders of either.
 * Each once, in the order given, and within a folder by name in numeric order. `sweeps`: the sweep folders among them.
 */
export function findRuns(paths: readonly string[]): { directories: string[]; sweeps: string[]; skipped: Skipped[] } {
  const found = new Map<string, string>();
  const sweeps = new Set<string>();
  const skipped: Skipped[] = [];
  for (const named of paths) {
    const directories = runsBelow(named, 0, { sweeps, skipped, seen: new Set() });
    for (const directory of directories) found.set(path.resolve(directory), directory);
    if (directories.length === 0 && !sweeps.has(named))
      skipped.push({ path: printable(named), reason: whyNoRun(named) });
  }
  return { directories: [...found.values()], sweeps: [...sweeps], skipped };
}

/**
 * Whether it is a run folder, intact or damaged: `clr run` creates metrics.csv before there are any results. The folder of
 * a `clr tune` has a config.json too, and its runs below.
 */
function isRunFolder(directory: string): boolean {
  const has = (name: string) => existsSync(path.join(directory, name));
  return has('metrics.csv') || (has('config.json') && !has('tune.json'));
}

interface Walk {
  sweeps: Set<string>;
  skipped: Skipped[];
  /** The folders already visited, as links may lead back to them. */
  seen: Set<string>;
}

function runsBelow(directory: string, depth: number, walk: Walk): string[] {
  const { sweeps, skipped, seen } = walk;
  if (!isDirectory(directory)) return [];
  const place = realpathSync(directory);
  if (seen.has(place)) return [];
  seen.add(place);
  if (isRunFolder(directory)) return [directory];
  const runs = sweepRuns(directory, skipped);
  if (runs) sweeps.add(directory);
  if (runs) return runs.filter(isRunFolder);
  if (depth === maxDepth) return [];
  return namesIn(directory).flatMap((name) => runsBelow(path.join(directory, name), depth + 1, walk));
}

/** The folders that a sweep's manifest lists; undefined if it has none. A damaged one is skipped. */
function sweepRuns(directory: string, skipped: Skipped[]): string[] | undefined {
  const file = path.join(directory, 'sweep.json');
  if (!existsSync(file)) return undefined;
  try {
    const { runs } = readJson(directory, 'sweep.json') as {
      runs: { directory: string }[];
    };
    return runs.map((run) => path.join(directory, run.directory));
  } catch (error) {
    skipped.push({ path: printable(file), reason: printable(`damaged: ${(error as Error).message}`) });
    return undefined; // its runs are then found like those of any folder
  }
}

function whyNoRun(named: string): string {
  if (!existsSync(named)) return 'does not exist';
  return isDirectory(named) ? 'neither a run folder (no config.json) nor a folder that contains one' : 'not a folder';
}

/** Also false for what cannot be examined: a name that is too long, a loop of links. */
function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}

const collator = new Intl.Collator('en', { numeric: true });

/** In numeric order; none if the folder cannot be read. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort(collator.compare);
  } catch {
    return [];
  }
}
