import { spawnSync } from 'node:child_process';

/**
 * What a Python script of ours answers to `input`, both JSON, in the first Python that has all of `modules`; undefined, said
 * on the terminal, where none has. CLR_PYTHON names one to try first; Debian's python3-torch belongs to its own python3,
 * which need not be the first on the path. One thread, so that sums are always taken in the same order.
 */
export function askPython<Answer>(script: string, modules: string[], input: unknown): Answer | undefined {
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const pythons = [process.env.CLR_PYTHON, 'python3', '/usr/bin/python3'].filter((python) => python !== undefined);
  const check = `import importlib.util as u; assert all(map(u.find_spec, ${JSON.stringify(modules)}))`;
  const python = pythons.find((python) => spawnSync(python, ['-c', check]).status === 0);
  if (python === undefined) {
    console.warn(`skipped: comparison with ${modules.join(' and ')}, which no Python here has (CLR_PYTHON names one)`);
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
