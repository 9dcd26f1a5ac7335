import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';

/** As scripts/venv.sh places it. */
const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
const venv = process.env.CLR_PEERS || path.join(cache, 'clr', 'peers');

/**
 * What a Python script of ours answers to `input`, both JSON, in the first Python that has all of `modules`; undefined, said
 * on the terminal, where none has. CLR_PYTHON names one to try first; then comes the environment that scripts/venv.sh makes,
 * then the machine's own. One thread, so that sums are always taken in the same order.
 */
export function askPython<Answer>(script: string, modules: string[], input: unknown): Answer | undefined {
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const pythons = [process.env.CLR_PYTHON, path.join(venv, 'bin/python'), 'python3', '/usr/bin/python3'];
  const check = `import importlib.util as u; assert all(map(u.find_spec, ${JSON.stringify(modules)}))`;
  const python = pythons.find((python) => python && spawnSync(python, ['-c', check]).status === 0);
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
    env,
  });
  if (answer.status !== 0) throw new Error(answer.stderr);
  return JSON.parse(answer.stdout) as Answer;
}
