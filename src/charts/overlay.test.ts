import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { writeRunFolder } from '../testing/run-files.js';
import { writeOverlay } from './overlay-runs.js';

const root = mkdtempSync(path.join(tmpdir(), 'clr-overlay-'));
afterAll(() => rmSync(root, { recursive: true }));
const typed = { model: { type: 'm' }, dataset: { type: 'd' }, optimizer: { type: 'o' }, schedule: { type: 's' } };
const run = (
  name: string,
  ...what: Parameters<typeof writeRunFolder> extends [string, ...infer Rest] ? Rest : never
) => {
  const [config, ...rest] = what;
  writeRunFolder(path.join(root, name), { batch_size: 8, ...typed, ...config }, ...rest);
  return path.join(root, name);
};
const labelsIn = (file: string) => [...new Set(readFileSync(file, 'utf8').match(/"run": "[^"]*"/g))];

test('runs are overlaid with a label each, by name, else by seed, marked if they have not completed', async () => {
  const [a, b] = [run('1', { name: 'a', seed: 1 }, 60), run('2', { name: 'b', seed: 1 }, 50, 'interrupted')];
  const chart = path.join(root, 'overlay.png');
  await writeOverlay(chart, [a, b], 'log');
  expect(labelsIn(path.join(root, 'overlay.vl.json'))).toEqual(['"run": "a"', '"run": "b (interrupted)"']);
  expect(readFileSync(path.join(root, 'overlay.vl.json'), 'utf8')).toContain('momentum 0.9, constant');
  expect((await sharp(chart).metadata()).width).toBeGreaterThan(1500);
  await writeOverlay(path.join(root, 'seeds.svg'), [a, run('3', { name: 'a', seed: 2 }, 40)], undefined);
  expect(labelsIn(path.join(root, 'seeds.vl.json'))).toEqual(['"run": "a, seed 1"', '"run": "a, seed 2"']);
});

test('more runs than a reader can tell apart are refused', async () => {
  const many = Array.from({ length: 21 }, () => path.join(root, '1'));
  await expect(writeOverlay(path.join(root, 'many.png'), many, undefined)).rejects.toThrow(/21 runs are too many/);
});
