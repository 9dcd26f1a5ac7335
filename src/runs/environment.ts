import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { ActiveBackend } from '../backends/index.js';
import { shipped } from '../system/root.js';

const root = shipped('');
const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'vega', 'vega-lite', 'sharp', 'zod'];

/** environment.json: what a run ran on; with config.json all that is needed to judge whether it can be repeated. */
export function describeEnvironment(backend: ActiveBackend) {
  return {
    started: new Date().toISOString(),
    backend: backend.name,
    device: backend.device,
    ...(backend.limits && { limits: backend.limits }),
    precision: backend.precision,
    threads: backend.threads,
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    clr: version(),
    packages: Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
    git: gitState(),
  };
}

export function version(): string {
  return manifest(root).version;
}

function packageVersion(name: string): string | null {
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const installed = places.map((place) => path.join(place, name)).find((folder) => existsSync(folder));
  return installed ? manifest(installed).version : null;
}

function manifest(folder: string): { version: string; git?: GitState } {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

interface GitState {
  commit: string;
  dirty: boolean;
}

/** The commit of this checkout, or that the portable archive was made of, and whether files differ from it; else null. */
export function gitState(): GitState | null {
  const packed = manifest(root).git;
  if (packed) return packed;
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    if (git('rev-parse', '--show-prefix').trim() !== '') return null; // another repository's folder
    return { commit: git('rev-parse', 'HEAD').trim(), dirty: git('status', '--porcelain').length > 0 };
  } catch {
    return null;
  }
}
