import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, describe, expect, it } from 'vitest';
import { metricsColumns } from '../runs/columns.js';
import type { Skipped } from '../runs/find-runs.js';
import { readRuns } from '../runs/read-runs.js';
import { writeRunFolder } from '../testing/run-files.js';
import { longTable } from './long-table.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-export-'));
afterAll(() => rmSync(root, { recursive: true }));

const skip = () => {};
/** Writes and reads a run, if asked with one of its files replaced. */
function run(name: string, config: object, file?: [string, string], accuracy: number | undefined = 60) {
  const directory = path.join(root, name);
  writeRunFolder(directory, { name, ...config }, accuracy);
  if (file) writeFileSync(path.join(directory, file[0]), file[1]);
  return readRuns([directory]).runs[0]!;
}
const runs = [0.9, 0.8].flatMap((momentum) =>
  [1, 2].map((seed) =>
    run(`${momentum}-${seed}`, { name: `m ${momentum}`, seed, schedule: { momentum } }, undefined, 60 + seed),
  ),
);
const csv = (...options: Parameters<typeof longTable>) => {
  return parse([...longTable(...options)].join(''), { columns: true }) as Record<string, string>[];
};
const json = (...options: Parameters<typeof longTable>) => {
  return JSON.parse([...longTable(...options)].join('')) as Record<string, unknown>[];
};

describe('the tidy table', () => {
  it('has a row per epoch: folder, name, seed, the settings that differ, and the values of the files', () => {
    const rows = csv(runs, 'epoch', 'csv', skip);
    expect(Object.keys(rows[0]!)).toEqual([
      ...['run', 'name', 'seed', 'status', 'schedule.momentum'],
      ...Object.keys(metricsColumns),
    ]);
    expect(rows).toHaveLength(4 * 2);
    for (const { directory, name, seed } of runs) {
      const own = rows.filter(({ run }) => run === directory);
      const file = parse(readFileSync(path.join(directory, 'metrics.csv')), { columns: true }) as typeof rows;
      expect(own).toMatchObject(file.map((row) => ({ ...row, name, seed: String(seed) })));
      expect(own[0]!['schedule.momentum']).toBe(name.slice(2));
    }
  });

  it('has a row per iteration, or per run, when asked', () => {
    expect(csv(runs, 'iteration', 'csv', skip)).toHaveLength(4 * 8);
    expect(csv(runs, 'run', 'csv', skip).map(({ val_acc }) => val_acc)).toEqual(
      runs.map(({ scores }) => String(scores!.val_acc)),
    );
  });

  it('says the same in JSON', () => {
    const asText = json(runs, 'epoch', 'json', skip).map((row) =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, String(value)])),
    );
    expect(asText).toEqual(csv(runs, 'epoch', 'csv', skip));
  });

  it('writes true and false as words, and leaves empty what a config lacks or a diverged run did not reach', () => {
    const [a, b] = [run('on', { drop_last: true }), run('off', { drop_last: false, max_loss: 5 })];
    const diverged = { ...b, status: 'diverged' as const, scores: undefined };
    const rows = csv([a, diverged], 'run', 'csv', skip);
    expect(rows.map((row) => row.drop_last)).toEqual(['true', 'false']);
    expect(rows.map((row) => row.max_loss)).toEqual(['', '5']);
    expect(rows.map((row) => row.val_acc)).toEqual(['60', '']);
    expect(json([a, diverged], 'run', 'json', skip)[1]).toMatchObject({ drop_last: false, max_loss: 5, val_acc: null });
  });

  it('gives a spreadsheet no formula and a terminal no command, in cells and in the header', () => {
    const hostile = run('hostile', { name: '=cmd|x\u001b[31m', '@key\u0007': '+1', lr: 3 });
    const [first] = csv([hostile, runs[0]!], 'epoch', 'csv', skip);
    expect(first).toMatchObject({ name: "'=cmd|x [31m", "'@key ": "'+1", 'config.lr': '3' });
    expect(first!.lr).toBe('0.1'); // the measured LR
    expect(json([hostile, runs[0]!], 'epoch', 'json', skip)[0]).toMatchObject({ name: '=cmd|x [31m' });
  });

  it('skips the runs whose rows cannot be read, and names them', () => {
    const header = `${Object.keys(metricsColumns)}\n`;
    const bad = [run('bad', {}, ['metrics.csv', 'epoch,']), run('empty', {}, ['metrics.csv', header])];
    const skipped: Skipped[] = [];
    const rows = csv([bad[0]!, runs[0]!, bad[1]!], 'epoch', 'csv', (run) => skipped.push(run));
    expect(rows).toHaveLength(2);
    expect(skipped.map(({ path: where, reason }) => [path.basename(where), reason])).toEqual([
      ['bad', expect.stringMatching(/no column epoch/)],
      ['empty', 'it has no rows'],
    ]);
    expect(() => csv(bad, 'epoch', 'csv', skip)).toThrow(/nothing to export/);
  });
});
