import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ActiveBackend } from './backends/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'vega', 'vega-lite', 'sharp', 'zod'];

/** environment.json: what a run ran on; with config.json all that is needed to judge whether it can be repeated. */
export function describeEnvironment(backend: ActiveBackend) {
  return {
    started: new Date().toISOString(),
    backend: backend.name,
    device: backend.device,
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
  return (JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }).version;
}

function packageVersion(name: string): string | null {
  try {
    const file = createRequire(import.meta.url)
      .resolve(name)
      .replace(/(node_modules\/(?:@[^/]+\/)?[^/]+)\/.*/, '$1/package.json');
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch {
    return null;
  }
}

/** The commit of this checkout, and whether files differ from it; null where the program is not a git checkout. */
function gitState(): { commit: string; dirty: boolean } | null {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    if (git('rev-parse', '--show-prefix').trim() !== '') return null; // another repository's folder
    return { commit: git('rev-parse', 'HEAD').trim(), dirty: git('status', '--porcelain').length > 0 };
  } catch {
    return null;
  }
}
