import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { printable } from '../system/printable.js';
import { type Manifest, readManifestFile } from './sweep-manifest.js';

/** A folder left out, and why. */
export interface Skipped {
  path: string;
  reason: string;
}

const maxDepth = 4; // of run folders below a named folder: runs/sweep-x/arm/seed-1, and one to spare

/**
 * The run folders that `paths` name: run folders, sweep folders (in the order of their manifest) and folders of either.
 * Each once, in the order given, and within a folder by name in numeric order. `sweeps`: the sweep folders among them,
 * with their manifests; a damaged manifest is skipped, and its runs are then found like those of any folder.
 */
export function findRuns(paths: readonly string[]): {
  directories: string[];
  sweeps: Map<string, Manifest>;
  skipped: Skipped[];
} {
  const found = new Map<string, string>();
  const sweeps = new Map<string, Manifest>();
  const skipped: Skipped[] = [];
  for (const named of paths) {
    const directories = runsBelow(named, 0, { sweeps, skipped, seen: new Set() });
    for (const directory of directories) found.set(path.resolve(directory), directory);
    if (directories.length === 0 && !sweeps.has(named))
      skipped.push({ path: printable(named), reason: whyNoRun(named) });
  }
  return { directories: [...found.values()], sweeps, skipped };
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
  sweeps: Map<string, Manifest>;
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
  const manifest = readManifest(directory, skipped);
  if (manifest) {
    sweeps.set(directory, manifest);
    return manifest.runs.map((run) => path.join(directory, run.directory)).filter(isRunFolder);
  }
  if (depth === maxDepth) return [];
  return namesIn(directory).flatMap((name) => runsBelow(path.join(directory, name), depth + 1, walk));
}

/** Undefined if the folder has none, or a damaged one. */
function readManifest(directory: string, skipped: Skipped[]): Manifest | undefined {
  try {
    return readManifestFile(directory);
  } catch (error) {
    const reason = printable(`damaged: ${(error as Error).message}`, 1000);
    skipped.push({ path: printable(path.join(directory, 'sweep.json')), reason });
    return undefined;
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
