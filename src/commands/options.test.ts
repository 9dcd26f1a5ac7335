import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { cacheOption, dataOption, runsOption } from './options.js';

afterEach(() => vi.unstubAllEnvs());

const names = ['CLR_DATA', 'CLR_CACHE', 'CLR_RUNS'];
function optionsWith(value: string | undefined): Record<string, unknown> {
  for (const name of names) vi.stubEnv(name, value);
  const command = new Command().addOption(dataOption()).addOption(cacheOption()).addOption(runsOption());
  return command.parse([], { from: 'user' }).opts();
}

it('an empty variable counts as unset', () => {
  const unset = optionsWith(undefined);
  expect(unset).toEqual({ cache: expect.stringMatching(/clr$/), runs: 'runs' });
  expect(optionsWith('')).toEqual(unset);
  expect(optionsWith('/there')).toEqual({ data: '/there', cache: '/there', runs: '/there' });
});
