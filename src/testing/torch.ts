import { spawnSync } from 'node:child_process';

/**
 * What a script of ours that needs PyTorch answers to `input`, both JSON; undefined, said on the terminal, where no Python
 * has it. Debian's python3-torch belongs to its own python3, which need not be the first on the path. One thread, so that
 * sums are always taken in the same order.
 */
export function askTorch<Answer>(script: string, input: unknown): Answer | undefined {
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  for (const python of ['python3', '/usr/bin/python3']) {
    if (spawnSync(python, ['-c', 'import importlib.util as u; assert u.find_spec("torch")']).status !== 0) continue;
    const options = { input: JSON.stringify(input), encoding: 'utf8', maxBuffer: 1 << 26, env } as const;
    const answer = spawnSync(python, [script], options);
    if (answer.status !== 0) throw new Error(answer.stderr);
    return JSON.parse(answer.stdout) as Answer;
  }
  console.warn('skipped: comparison with PyTorch itself, since no python3 here has torch (apt: python3-torch)');
  return undefined;
}
