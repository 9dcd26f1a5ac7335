import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockFolder } from '../system/lock.js';
import { writeRunFolder } from '../testing/run-files.js';
import { listRuns } from './overview.js';
import { runStatus } from './status.js';

const root = mkdtempSync(path.join(tmpdir(), 'clr-ls-'));
afterAll(() => rmSync(root, { recursive: true }));
const folder = (name: string) => path.join(root, name);

test('every run is listed with its status and score; a finder and a foreign folder are skipped with a reason', () => {
  writeRunFolder(folder('1'), { name: 'a', seed: 3, tags: ['try'] }, 61.5);
  writeRunFolder(folder('2'), { name: 'b' }, 60, 'interrupted');
  writeRunFolder(folder('3'), { name: 'c' }, 60);
  writeFileSync(path.join(folder('3'), 'lr-finder.csv'), '');
  mkdirSync(folder('4'));
  writeFileSync(path.join(folder('4'), 'config.json'), '[]');
  const { runs, skipped } = listRuns([root]);
  expect(runs).toMatchObject([
    { name: 'a', seed: 3, tags: ['try'], status: 'completed', val_acc: 61.5 },
    { name: 'b', status: 'interrupted' },
  ]);
  expect(skipped.map(({ reason }) => reason)).toEqual([
    'an LR range test, not a run',
    expect.stringContaining('config.json'),
  ]);
});

test('a run recorded as running without a process counts as interrupted', () => {
  const run = folder('running');
  writeRunFolder(run, { name: 'r' }, 60, 'running');
  expect(runStatus(run)).toBe('interrupted');
  const unlock = lockFolder(run);
  expect(runStatus(run)).toBe('running');
  unlock();
});
