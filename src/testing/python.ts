import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';

/** Where scripts/venv.sh puts the environment. */
const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
const venv = process.env.CLR_PEERS || path.join(cache, 'clr', 'peers');

/** The first Python with all of `modules`: CLR_PYTHON, that of scripts/venv.sh, then the machine's own. */
export function findPython(modules: string[]): string | undefined {
  const pythons = [process.env.CLR_PYTHON, path.join(venv, 'bin/python'), 'python3', '/usr/bin/python3'];
  const check = `import importlib.util as u; assert all(map(u.find_spec, ${JSON.stringify(modules)}))`;
  return pythons.find((python) => python && spawnSync(python, ['-c', check]).status === 0);
}

/**
 * The answer of one of our Python scripts to `input`, both JSON; undefined, with a warning, if no Python has all of
 * `modules`. One thread, so that sums are always taken in the same order.
 */
export function askPython<Answer>(script: string, modules: string[], input: unknown): Answer | undefined {
  const python = findPython(modules);
  if (python === undefined) {
    console.warn(
      `skipped: comparison with ${modules.join(' and ')}, which no Python here has (sh scripts/venv.sh installs it)`,
    );
    return undefined;
  }
  const answer = spawnSync(python, [script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  if (answer.status !== 0) throw new Error(answer.stderr);
  return JSON.parse(answer.stdout) as Answer;
}
