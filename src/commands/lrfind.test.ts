import { Command } from 'commander';
import { expect, test } from 'vitest';
import { defaultConfig, endsOf, lrfindCommand, planCurves, tested } from './lrfind.js';

const plan = (flags: object = {}) => planCurves(defaultConfig, { set: [], override: [], ...flags });

test('without flags: one curve of ResNet-56 with SGD, on the seed of the config, and two spare ones', async () => {
  const [only, ...others] = await plan();
  expect(others.map(({ curve, spare, config: { seed } }) => [curve, spare, seed])).toEqual([
    [1, true, 2],
    [1, true, 3],
  ]);
  expect(await plan({ seed: 4 })).toHaveLength(1);
  expect(only).toMatchObject({ curve: 1, momentum: undefined });
  expect(only!.config).toMatchObject({
    seed: 1,
    model: { type: 'resnet', depth: 56 },
    optimizer: { type: 'sgd' },
    schedule: { type: 'constant', momentum: 0.9 },
  });
});

test('a curve for each combination of the lists, on each seed', async () => {
  const plans = await plan({ momentum: [0.9, 0.99], weightDecay: [1e-3, 1e-4], batchSize: [64], seeds: '3' });
  const found = plans.map(({ curve, momentum, config: { optimizer, batch_size, seed } }) => [
    ...[curve, momentum, optimizer.weight_decay, batch_size, seed],
  ]);
  const curves = [
    [1, 0.9, 1e-3, 64],
    [2, 0.9, 1e-4, 64],
    [3, 0.99, 1e-3, 64],
    [4, 0.99, 1e-4, 64],
  ];
  expect(found).toEqual(curves.flatMap((curve) => [1, 2, 3].map((seed) => [...curve, seed])));
});

test('a list of seeds names them; duplicates are refused', async () => {
  const plans = await plan({ seeds: '2,9' });
  expect(plans.map(({ config }) => config.seed)).toEqual([2, 9]);
  expect(plans.map(({ curve }) => curve)).toEqual([1, 1]);
  for (const seeds of ['2,2', '0', '1.5']) await expect(plan({ seeds })).rejects.toThrow(/--seeds/);
});

test('a value that the config refuses is refused', async () => {
  await expect(plan({ batchSize: [1.5] })).rejects.toThrow(/batch.size/);
});

test.each([
  ['--momentum', '0.9,1'],
  ['--momentum', '0.9,,0.95'],
  ['--weight-decay', 'none'],
  ['--start', '0'],
  ['--end', 'ten'],
  ['--iterations', '0'],
])('%s %s is refused before anything is read', (flag, value) => {
  lrfindCommand.exitOverride().configureOutput({ outputError: () => {} });
  const program = new Command().exitOverride().addCommand(lrfindCommand);
  expect(() => program.parse(['node', 'clr', 'lrfind', flag, value])).toThrow(new RegExp(`${flag}.*is invalid`));
});

test('seeds that ended alike are named together', () => {
  const end = (seed: number, status: 'completed' | 'diverged', iterations: number) => ({ seed, status, iterations });
  expect(endsOf([1, 2, 3].map((seed) => end(seed, 'completed', 100)))).toBe('seeds 1, 2, 3: completed, 100 updates');
  expect(endsOf([end(1, 'completed', 100), end(2, 'diverged', 40)])).toBe(
    'seed 1: completed, 100 updates; seed 2: diverged, 40 updates',
  );
});

test('the command to train with a suggestion has what the curve was measured with', () => {
  const curve = { weight_decay: 1e-3, batch_size: 64 };
  const given = { override: ['small.json'], set: ['model.depth=20'], data: 'images' };
  expect(tested(curve, { ...given, weightDecay: [1e-2, 1e-3], batchSize: [64, 128] })).toEqual([
    ...['--data', 'images', '--override', 'small.json', '--set', 'model.depth=20'],
    ...['--set', 'optimizer.weight_decay=0.001', '--set', 'batch_size=64'],
  ]);
  expect(tested(curve, { override: [], set: [] })).toEqual([]);
});
