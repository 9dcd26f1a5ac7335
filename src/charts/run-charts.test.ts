import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { iterationColumns, metricsColumns } from '../runs/columns.js';
import { writeRunCharts } from './run-charts.js';

const directory = mkdtempSync(path.join(tmpdir(), 'clr-charts-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const write = (name: string, content: unknown) => writeFileSync(path.join(directory, name), JSON.stringify(content));
const typed = { model: { type: 'm' }, dataset: { type: 'd' }, optimizer: { type: 'o' }, schedule: { type: 's' } };
const table = (name: string, columns: object, rows: string[]) =>
  writeFileSync(path.join(directory, name), `${[Object.keys(columns).join(), ...rows].join('\n')}\n`);

write('config.json', { name: 'a run', seed: 1, batch_size: 8, ...typed });
table('metrics.csv', metricsColumns, ['1,2,0.1,0.9,2.3,10,2.3,10,1,100']);
table('iterations.csv', iterationColumns, ['0,1,0.1,0.9,2.3', '1,1,0.1,0.9,2.3', '2,2,0.4,0.9,2.3', '3,2,0.5,0.9,7.5']);

test('a run that ended at a finite loss above max_loss is marked there on every chart', async () => {
  write('summary.json', { status: 'diverged', iterations: 4 });
  const specs = (await writeRunCharts(directory)).map((png) => readFileSync(png.replace(/png$/, 'vl.json'), 'utf8'));
  const marks = specs.map((spec) => [...spec.matchAll(/"diverged [^"]*"/g)].map(String));
  expect(marks).toEqual([
    ['"diverged at 3 "'],
    ['"diverged at iteration 3"'],
    ['"diverged in epoch 2"', '"diverged in epoch 2"'],
  ]);
  write('summary.json', { status: 'completed', iterations: 4 });
  for (const png of await writeRunCharts(directory))
    expect(readFileSync(png.replace(/png$/, 'vl.json'), 'utf8')).not.toContain('diverged');
}, 60_000);

test('a damaged summary.json is named with its key', async () => {
  write('summary.json', { status: 'diverged' });
  await expect(writeRunCharts(directory)).rejects.toThrow(/summary\.json: iterations: /);
});

test('a folder kept without iterations.csv has LR and momentum by epoch, and no losses of batches', async () => {
  rmSync(path.join(directory, 'iterations.csv'));
  write('summary.json', { status: 'completed', iterations: 200 });
  table('metrics.csv', metricsColumns, ['1,100,0.1,0.9,2.3,10,2.3,10,1,100', '2,200,0.2,0.9,2.3,10,2.3,10,1,100']);
  const charts = await writeRunCharts(directory);
  expect(charts.map((png) => path.basename(png))).toEqual(['lr-momentum.png', 'curves.png']);
  const spec = readFileSync(charts[0]!.replace(/png$/, 'vl.json'), 'utf8');
  expect(spec).toContain('no iterations.csv');
  expect(JSON.stringify(JSON.parse(spec))).toContain('{"epoch":2.0298}'); // 1.02 * 199 / 100
}, 60_000);
