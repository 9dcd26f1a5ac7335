import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateConfig } from '../../config/load.js';
import { writeJson } from '../../runs/run-folder.js';
import { writeManifest } from '../../sweep/manifest.js';
import { writeRunFolder } from '../../testing/run-files.js';
import { races } from '../races.js';
import { configFile, type TuneRecord } from '../record.js';
import { configWith, startOf } from '../settings.js';
import { writePages } from './write.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'clr-tune-page-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const base = {
  name: 'net',
  epochs: 25,
  dataset: { type: 'synthetic', train_size: 100, val_size: 10 },
  model: { type: 'resnet', depth: 8 },
};
const config = validateConfig({ ...base, schedule: { type: 'constant', lr: 0.1, momentum: { demon: 0.9 } } }, 'it');
const stages = ['momentum' as const];
const start = startOf(config, stages);
const [race] = races.filter(({ name }) => name === 'momentum');
const arms = race!.arms(start);

/** The page of a race for the momentum with runs of `epochs` epochs, ranked from `min_epochs` on. */
async function page(epochs: number, min_epochs: number): Promise<string> {
  const length = { epochs };
  const record: TuneRecord = {
    asked: { budget: { epochs: 100 }, seeds: 3, stages },
    plan: {
      ...{ epochs: 100, epoch_seconds: 1, jobs: 1, range: 60, lr: length, wd: length, tail: length },
      momentum: { epochs, halving: { metric: 'val_acc', min_epochs, factor: 2 } },
      random: { trials: 2, length },
    },
    decisions: [{ stage: 'momentum', chosen: 'momentum 0.9', sure: 'best', settings: arms[0]!.settings, seconds: 9 }],
  };
  await writePages(directory, config, record);
  return readFileSync(path.join(directory, 'tune.md'), 'utf8').replaceAll('\n', ' ');
}

describe('the page', () => {
  beforeAll(() => {
    writeJson(directory, 'config.json', config);
    const runs = arms.flatMap(({ name, settings }, i) =>
      [1, 2].map((seed) => {
        const run = path.join(name, `seed-${seed}`);
        const own = { ...configWith(configFile(directory), name, settings, 2), seed };
        writeRunFolder(path.join(directory, 'momentum', run), own, 80 - 2 * i + seed);
        return { arm: name, seed, directory: run, status: 'completed' as const };
      }),
    );
    const plan = { name: 'momentum', arms: [], seeds: [1, 2], vary: {}, paired: false, halving: undefined };
    writeManifest(path.join(directory, 'momentum'), plan, { runs, others: [], rungs: [] });
  });

  it('lists the rankings of a race with halving, however many there are', async () => {
    const stopped = '(?:; after (.*) the worse half of the arms left is stopped)?\\.';
    const when = async (epochs: number, from: number) =>
      new RegExp(`2 seeds per arm, ${epochs} epochs each${stopped}`).exec(await page(epochs, from))![1];
    expect(await when(6, 3)).toBe('epoch 3');
    expect(await when(5, 2)).toBe('epochs 2 and 4');
    expect(await when(9, 2)).toBe('epochs 2, 4 and 8');
    expect(await when(2, 2)).toBeUndefined();
  }, 60_000);

  it('and tune.csv give the momentum in numbers, also of a cycle', async () => {
    expect(await page(6, 3)).toContain('| momentum | 0.9-0 | 0.9 | chosen from 8 arms');
    const rows = parse(readFileSync(path.join(directory, 'tune.csv')), { columns: true }) as Record<string, string>[];
    const found = new Map(rows.map(({ arm, momentum }) => [arm, momentum]));
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(arms.map(({ name }) => [name, name.replace('momentum ', '')])),
    );
  }, 60_000);
});
