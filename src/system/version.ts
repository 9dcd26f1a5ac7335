import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { shipped } from './root.js';

const root = shipped('');

/** The version of this program. */
export function version(): string {
  return manifest(root).version;
}

/** The version of an installed package; null if it is not installed. */
export function packageVersion(name: string): string | null {
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const installed = places.map((place) => path.join(place, name)).find((folder) => existsSync(folder));
  return installed ? manifest(installed).version : null;
}

function manifest(folder: string): { version: string; git?: GitState } {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

export interface GitState {
  commit: string;
  dirty: boolean;
}

/**
 * The commit of this checkout, or the one that the portable archive was made from, and whether files differ from it;
 * else null. Does not take git's lock, which would make a simultaneous commit fail.
 */
export function gitState(): GitState | null {
  const packed = manifest(root).git;
  if (packed) return packed;
  const git = (...args: string[]) =>
    execFileSync('git', ['--no-optional-locks', '-C', root, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    if (git('rev-parse', '--show-prefix').trim() !== '') return null; // another repository's folder
    return { commit: git('rev-parse', 'HEAD').trim(), dirty: git('status', '--porcelain').length > 0 };
  } catch {
    return null;
  }
}
