import { execa } from 'execa';
import { expect, it } from 'vitest';

it('results/README.md agrees with what the commands in it print about the runs beside it', async () => {
  const { stderr, exitCode } = await execa('node', ['scripts/results-page.mjs', '--check'], { reject: false });
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
}, 120_000);
