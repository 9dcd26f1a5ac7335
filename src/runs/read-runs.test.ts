import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { compare } from '../compare/comparison.js';
import { longTable } from '../compare/long-table.js';
import { toMarkdown } from '../compare/print.js';
import { writeRunFolder } from '../testing/run-files.js';
import { findRuns } from './find-runs.js';
import { readRuns } from './read-runs.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-foreign-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let runs: string;
const at = (name: string) => path.join(runs, name);
beforeEach(() => {
  runs = mkdtempSync(path.join(scratch, 'case-'));
});

it('a setting named like a property of every object is empty for runs without it', () => {
  writeRunFolder(at('1'), { name: 'a', toString: 7, constructor: 'x' }, 90);
  writeRunFolder(at('2'), { name: 'b' }, 90);
  const { runs: read, skipped } = readRuns([runs]);
  expect(skipped).toEqual([]);
  const table = [...longTable(read, 'run', 'csv', () => expect.unreachable())].join('');
  const [head, first, second] = table.split('\n').map((line) => line.split(','));
  const cells = (row: string[]) => ['toString', 'constructor'].map((key) => row[head!.indexOf(key)]);
  expect([cells(first!), cells(second!)]).toEqual([
    ['7', 'x'],
    ['', ''],
  ]);
  expect(table).not.toContain('native code');
});

it('links to a parent folder are followed once', () => {
  writeRunFolder(at('1'), { name: 'a' }, 90);
  for (let i = 0; i < 40; i++) symlinkSync('.', at(`link-${i}`));
  symlinkSync('1', at('the-best'));
  const started = performance.now();
  expect(findRuns([runs]).directories).toEqual([at('1')]);
  expect(performance.now() - started).toBeLessThan(1000);
});

it('a config of 200,000 settings is skipped at once', () => {
  writeRunFolder(at('1'), { name: 'a' }, 90);
  const keys = Array.from({ length: 200_000 }, (_, i) => [`k${i}`, 1]);
  writeFileSync(at('1/config.json'), JSON.stringify({ name: 'a', seed: 1, ...Object.fromEntries(keys) }));
  const started = performance.now();
  const { skipped } = readRuns([runs]);
  expect(skipped).toEqual([{ path: at('1'), reason: 'damaged: config.json has more than 1000 settings' }]);
  expect(performance.now() - started).toBeLessThan(20_000); // it took 94 s
});

it('a reason is at most a few lines long, whatever the files hold', () => {
  writeRunFolder(at('1'), { name: 'a' }, 90, 'failed');
  const summary = JSON.parse(readFileSync(at('1/summary.json'), 'utf8'));
  writeFileSync(at('1/summary.json'), JSON.stringify({ ...summary, message: 'x'.repeat(900_000) }));
  expect(readRuns([runs]).runs[0]!.message!.length).toBeLessThan(1010);
});

it('a name is escaped in Markdown', () => {
  writeRunFolder(at('1'), { name: '*a* [b](c) <i>' }, 90);
  writeRunFolder(at('2'), { name: 'other' }, 91);
  const { runs: read, skipped } = readRuns([runs]);
  const text = toMarkdown([compare(read, skipped, { metric: 'val_acc' })]);
  expect(text).toContain('\\*a\\* \\[b\\](c) &lt;i&gt;');
  expect(text).not.toMatch(/[^\\]\*a|<i>/);
});

it('the runs of a `clr tune` are found below its folder, which has a config.json too', () => {
  writeRunFolder(at('tune/lr/seed-1'), { name: 'a' }, 90);
  for (const name of ['config.json', 'tune.json']) writeFileSync(at(`tune/${name}`), '{}');
  expect(findRuns([at('tune')])).toMatchObject({ directories: [at('tune/lr/seed-1')], skipped: [] });
});

it('a path that cannot be examined holds no run', () => {
  symlinkSync('round', at('round'));
  mkdirSync(at('empty'));
  for (const named of [at('round'), at('n'.repeat(300)), at('empty')]) {
    const { directories, skipped } = findRuns([named]);
    expect([directories, skipped.length]).toEqual([[], 1]);
  }
});

it('a damaged sweep.json is named, since its question is lost; the runs below are read', () => {
  writeRunFolder(at('arm/seed-1'), { name: 'a' }, 90);
  writeFileSync(at('sweep.json'), '{"runs": 7}');
  const { runs: read, skipped } = readRuns([runs]);
  expect(read.map(({ directory, sweep }) => [directory, sweep])).toEqual([[at('arm/seed-1'), undefined]]);
  expect(skipped).toEqual([{ path: at('sweep.json'), reason: expect.stringContaining('damaged: ') }]);
});
