import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { runExperiment } from '../../experiment.js';

const work = mkdtempSync(path.join(tmpdir(), 'clr-configs-'));
afterAll(() => rmSync(work, { recursive: true }));

/** Real images if CLR_TEST_DATA names them, else generated ones. */
const data = process.env.CLR_TEST_DATA;
if (!data) console.log('configs run on generated images: CLR_TEST_DATA names no CIFAR-10');
const dataset = data
  ? '{ type: cifar10, train_limit: 80, val_limit: 20 }'
  : '{ type: synthetic, train_size: 80, val_size: 20 }';
/** `lastStatistics`: from the last batch only, since an average over three batches is far off and may overflow. */
const few = ['max_iterations=3', 'batch_size=8', `dataset=${dataset}`];
const lastStatistics = ['model.bn_momentum=1'];

const experiments = readdirSync('configs').filter((file) => file.endsWith('.json') && !file.endsWith('schema.json'));

/** Checks what a run of three iterations and one validation leaves. */
function expectRun(directory: string): void {
  expect(readdirSync(directory).sort()).toEqual(
    [
      ...[
        'checkpoints',
        'config.json',
        'environment.json',
        'iterations.csv',
        'metrics.csv',
        'predictions.bin',
        'summary.json',
      ],
      ...['curves', 'loss-vs-lr', 'lr-momentum'].flatMap((name) => [`${name}.png`, `${name}.vl.json`]),
    ].sort(),
  );
  const text = (name: string) => readFileSync(path.join(directory, name), 'utf8');
  expect(JSON.parse(text('summary.json'))).toMatchObject({ status: 'completed', iterations: 3 });
  expect(text('iterations.csv').trimEnd().split('\n')).toHaveLength(1 + 3);
  expect(text('metrics.csv').trimEnd().split('\n')).toHaveLength(1 + 1);
}

test.each(experiments)('%s trains its own model for three iterations, and leaves a run folder', async (file) => {
  const { model } = loadConfig(path.join('configs', file));
  const set = [...few, ...('bn_momentum' in model ? lastStatistics : [])];
  const config = loadConfig(path.join('configs', file), { set });
  const { directory } = await runExperiment(config, {
    ...(data && { data }),
    cacheDirectory: path.join(work, 'cache'),
    runs: path.join(work, 'runs'),
    signal: new AbortController().signal,
  });
  expectRun(directory);
});

describe('at the command line, at CPU scale,', () => {
  test.each(['quickstart.json', 'rn56-1cycle.json', 'rn56-paper-clr-momentum-0.95-0.85.json', 'rn56-thread-adam.json'])(
    '%s ends with 0 and leaves a run folder',
    async (file) => {
      const override = [
        '--override',
        'configs/override/cpu-scale.json',
        ...[...few, ...lastStatistics].flatMap((set) => ['--set', set]),
      ];
      const runs = path.join(work, path.parse(file).name);
      const args = ['bin/clr.js', 'run', path.join('configs', file), ...override, '--runs', runs];
      const env = { CLR_DATA: data, CLR_CACHE: path.join(work, 'cache'), CI: '1' };
      const { exitCode, stderr } = await execa('node', args, { reject: false, env });
      expect(exitCode, stderr).toBe(0);
      expectRun(path.join(runs, '1'));
    },
  );
});
