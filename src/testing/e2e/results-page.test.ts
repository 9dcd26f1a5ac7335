import { execa } from 'execa';
import { expect, it } from 'vitest';

it('results/README.md says what the commands that it names print of the runs beside it', async () => {
  const { stderr, exitCode } = await execa('node', ['scripts/results-page.mjs', '--check'], { reject: false });
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
}, 60_000);
