import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { validateConfig } from '../config/load.js';
import { configSchema } from '../config/schema.js';
import { readFinderRows } from '../runs/finder-columns.js';
import { readJson } from '../runs/read-run.js';
import { writeFinderCharts } from './charts.js';
import { groupCurves } from './curves.js';
import { type FinderSummary, highestLr, type Plan, runFinder, type Settings, scheduleOf } from './finder.js';

const runs = mkdtempSync(path.join(tmpdir(), 'clr-finder-'));
const config = (overrides: object = {}) =>
  configSchema.parse({
    backend: 'wasm',
    batch_size: 8,
    dataset: { type: 'synthetic', train_size: 20, val_size: 20 },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'clr-beta', max_lr: 1, max_momentum: 0.9 },
    ...overrides,
  });
const settings: Settings = {
  start: 0.01,
  end: 1,
  scale: 'exponential',
  iterations: 4,
  validate: false,
  stop: true,
  smooth: 'local',
};
const find = (plans: Plan[], changed: Partial<Settings> = {}, signal = new AbortController().signal) =>
  runFinder(plans, { ...settings, ...changed }, { cacheDirectory: '/nowhere', runs, signal });

describe('two momenta on two seeds, with validation', () => {
  let directory: string;
  let summary: FinderSummary;
  beforeAll(async () => {
    const plans = [0.5, 0.9].flatMap((momentum, i) =>
      [1, 2].map((seed) => ({ curve: i + 1, momentum, config: config({ seed }) })),
    );
    ({ directory, summary } = await find(plans, { validate: true }));
  }, 60_000);

  test('the folder holds its files, and no weights', () => {
    expect(readdirSync(directory).sort()).toEqual([
      ...['config.json', 'environment.json', 'lr-finder-validation.png', 'lr-finder-validation.vl.json'],
      ...['lr-finder.csv', 'lr-finder.png', 'lr-finder.vl.json', 'summary.json'],
    ]);
    expect(readJson(directory, 'summary.json')).toEqual(JSON.parse(JSON.stringify(summary)));
    expect(validateConfig(readJson(directory, 'config.json'), 'config.json')).toEqual(config());
  });

  test('every curve takes the same LRs, past the end of an epoch, with its own seed', () => {
    const rows = readFinderRows(directory);
    expect(rows).toHaveLength(16);
    const lrs = [0.01, expect.closeTo(0.0464, 4), expect.closeTo(0.2154, 4), 1];
    for (const group of groupCurves(rows)) expect(group.lr).toEqual(lrs);
    const first = (curve: number, seed: number) => rows.find((r) => r.curve === curve && r.seed === seed)!.loss;
    expect(first(1, 1)).toBe(first(2, 1)); // momentum has no effect before the first update: the same initial weights
    expect(first(1, 1)).not.toBe(first(1, 2));
    for (const row of rows) expect(row.val_acc).toSatisfy((acc: number) => acc >= 0 && acc <= 100);
  });

  test('the summary says for each curve how its seeds ended and why there is no suggestion', () => {
    expect(summary.status).toBe('completed');
    expect(summary.curves.map(({ momentum }) => momentum)).toEqual([0.5, 0.9]);
    expect(summary.curves[0]!.seeds).toEqual([1, 2].map((seed) => ({ seed, status: 'completed', iterations: 4 })));
    expect(summary.curves[0]!.suggestions[0]).toMatchObject({ reason: expect.stringMatching(/too few points/) });
  });

  test('its charts can be redrawn from its files', async () => {
    const spec = path.join(directory, 'lr-finder.vl.json');
    const before = readFileSync(spec, 'utf8');
    rmSync(spec);
    expect(await writeFinderCharts(directory)).toHaveLength(2);
    expect(readFileSync(spec, 'utf8')).toBe(before);
    const logarithmic = () => readFileSync(spec, 'utf8').includes('"type": "log"');
    expect(logarithmic()).toBe(true);
    await writeFinderCharts(directory, 'linear');
    expect(logarithmic()).toBe(false);
  });
});

test('divergence ends the curve, not the test; with --no-stop it ends neither', async () => {
  const plans = [{ curve: 1, config: config() }];
  const { summary } = await find(plans, { start: 1e20, end: 1e30 });
  expect(summary).toMatchObject({ status: 'completed', curves: [{ seeds: [{ status: 'diverged' }] }] });
  expect(summary.curves[0]!.seeds[0]!.iterations).toBeLessThan(4);
  const { summary: whole } = await find(plans, { start: 1e20, end: 1e30, stop: false });
  expect(whole.curves[0]!.seeds).toEqual([{ seed: 1, status: 'completed', iterations: 4 }]);
}, 60_000);

test('a range of 600 decades, whose ratio overflows a number, is drawn', async () => {
  const { directory, summary } = await find([{ curve: 1, config: config() }], {
    start: 1e-300,
    end: 1e300,
    stop: false,
  });
  expect(summary.status).toBe('completed');
  expect(readdirSync(directory)).toContain('lr-finder.png');
}, 60_000);

test('an interrupted test leaves a complete folder, charts included, and no tensor', async () => {
  const before = memory().numTensors;
  const controller = new AbortController();
  controller.abort();
  const { directory, summary } = await find([{ curve: 1, config: config() }], {}, controller.signal);
  expect(summary).toMatchObject({ status: 'interrupted', curves: [{ seeds: [{ iterations: 1 }] }] });
  expect(readdirSync(directory)).toContain('lr-finder.png');
  expect(memory().numTensors).toBe(before);
}, 60_000);

test('momentum is by default the one that the config starts with; unmeasured cells are empty', async () => {
  const { directory } = await find([{ curve: 1, config: config() }], { iterations: 2 });
  const [header, row] = readFileSync(path.join(directory, 'lr-finder.csv'), 'utf8').split('\n');
  expect(header).toBe('curve,momentum,weight_decay,batch_size,seed,iteration,lr,loss,smoothed,val_loss,val_acc');
  expect(row).toMatch(/^1,0\.9,0\.0001,8,1,0,0\.01,[\d.]+,[\d.]+,,$/);
  expect(readFinderRows(directory)[0]!.val_acc).toBeNaN();
}, 60_000);

test('the number of images need not be known from the config', async () => {
  const data = mkdtempSync(path.join(tmpdir(), 'clr-finder-images-'));
  for (const folder of ['train/a', 'train/b', 'test/a', 'test/b']) {
    mkdirSync(path.join(data, folder), { recursive: true });
    await sharp({
      create: { width: 8, height: 8, channels: 3, background: folder.endsWith('a') ? 'black' : 'white' },
    }).toFile(path.join(data, folder, '1.png'));
  }
  const plans = [{ curve: 1, config: config({ dataset: { type: 'images' } }) }];
  const options = { data, cacheDirectory: path.join(data, 'cache'), runs, signal: new AbortController().signal };
  expect((await runFinder(plans, settings, options)).summary.status).toBe('completed');
  rmSync(data, { recursive: true });
}, 60_000);

test('a suggestion fits the schedule of the config, whatever its type', () => {
  const fitted = (schedule: object) => {
    const own = config({ schedule, epochs: 1000 });
    const fit = config({
      schedule: { ...own.schedule, ...scheduleOf(own.schedule, highestLr(own, 20), 0.03149) },
      epochs: 1000,
    });
    expect(highestLr(fit, 20) / 0.031).toBeCloseTo(1, 1); // to two digits of max_lr
    return fit.schedule;
  };
  expect(fitted({ type: 'clr-beta', max_lr: 1, div: 20 })).toMatchObject({ max_lr: 0.031, div: 20 });
  expect(fitted({ type: 'one-cycle', preset: 'fastai-v2', max_lr: 1 })).toMatchObject({
    type: 'one-cycle',
    max_lr: 0.031,
  });
  expect(fitted({ type: 'constant' })).toMatchObject({ lr: 0.031 });
  expect(fitted({ type: 'triangular', base_lr: 0.1, max_lr: 1 })).toMatchObject({ base_lr: 0.0031, max_lr: 0.031 });
  expect(fitted({ type: 'keras-one-cycle', max_lr: 1, scale: 0.05 })).toMatchObject({ max_lr: 0.12 });
  expect(fitted({ type: 'cosine', max_lr: 1, min_lr: 0.5 })).toMatchObject({ max_lr: 0.031, min_lr: 0.015 });
  const warm = { type: 'constant', lr: 0.1, warmup: { epochs: 1 }, warmup_from: 0.5 };
  expect(fitted(warm)).toMatchObject({ lr: 0.0062, warmup_from: 0.031 });
  const phases = [{ share: 0.5, lr: [0.1, 2] }, { lr: 1 }];
  expect(fitted({ type: 'phases', phases })).toMatchObject({ phases: [{ lr: [0.0016, 0.031] }, { lr: 0.016 }] });
});

test('a curve that cannot be trained is refused before a folder is made', async () => {
  const before = readdirSync(runs);
  const plans = [config(), config({ batch_size: 32, drop_last: true })].map((c, i) => ({ curve: i + 1, config: c }));
  await expect(find(plans)).rejects.toThrow(/batch_size 32 with drop_last/);
  expect(readdirSync(runs)).toEqual(before);
}, 60_000);

test('the error that ended the test is reported even if the summary can no longer be written', async () => {
  const controller = new AbortController();
  const disk = vi.spyOn(controller.signal, 'aborted', 'get').mockImplementation(() => {
    const folder = path.join(runs, String(Math.max(...readdirSync(runs).map(Number))));
    rmSync(folder, { recursive: true });
    throw new Error('the first error');
  });
  await expect(find([{ curve: 1, config: config() }], {}, controller.signal)).rejects.toThrow('the first error');
  expect(disk).toHaveBeenCalledOnce();
}, 60_000);
