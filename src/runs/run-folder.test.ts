import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { removeTemporaries, replaceFile } from '../system/atomic.js';
import { metricsColumns } from './columns.js';
import { readIterations, readJson, readMetrics, readTable } from './read-run.js';
import { RunFolder } from './run-folder.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-run-folder-'));
let runs: string;
beforeEach(() => {
  runs = mkdtempSync(path.join(scratch, 'case-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

const row = (epoch: number) => ({
  ...{ epoch, iteration: 10 * epoch, lr: 0.1, momentum: 0.9, train_loss: 2, train_acc: 10 },
  ...{ val_loss: Number.NaN, val_acc: 10, seconds: 1, images_per_second: 100 },
});

describe('a run folder', () => {
  it('takes the next number, also beside names that are not numbers', () => {
    for (const name of ['3', '12', 'x', '007', '99999999999999999999']) mkdirSync(path.join(runs, name));
    const folder = RunFolder.create({ runs }, { name: 'a' });
    folder.close();
    expect(folder.directory).toBe(path.join(runs, '13'));
    expect(readdirSync(folder.directory).sort()).toEqual(['checkpoints', 'config.json']);
  });

  it.each([
    ['has a column for the loss scale only if there is one', true, true, 'loss,loss_scale', '2.3,1024'],
    ['without it', false, false, 'loss', '2.3'],
    ['continues without the column in a file started without it', false, true, 'loss', '2.3'],
    ['leaves the cell empty if a run continues without a loss scale', true, false, 'loss,loss_scale', '2.3,'],
  ])('%s', (_what, first, then, header, cells) => {
    const folder = RunFolder.create({ runs }, {});
    const update = (iteration: number) => ({ iteration, epoch: 1, lr: 0.1, momentum: 0.9, loss: 2.3 });
    const scaled = (lossScale: boolean) => lossScale && { loss_scale: 1024 };
    folder.openTables({ epoch: 0, iteration: 0, lossScale: first });
    folder.appendIteration({ ...update(0), ...scaled(first) });
    folder.close();
    const again = RunFolder.reopen(folder.directory);
    again.openTables({ epoch: 0, iteration: 1, lossScale: then });
    again.appendIteration({ ...update(1), ...scaled(then) });
    again.close();
    const lines = readFileSync(path.join(folder.directory, 'iterations.csv'), 'utf8').trim().split('\n');
    expect([lines[0], lines.at(-1)]).toEqual([`iteration,epoch,lr,momentum,${header}`, `1,1,0.1,0.9,${cells}`]);
    expect(readIterations(folder.directory)).toMatchObject([update(0), update(1)]);
  });

  it('loses the rows after the checkpoint, an incomplete row and temporary files when it is reopened', () => {
    const folder = RunFolder.create({ runs }, {});
    folder.openTables({ epoch: 0, iteration: 0 });
    for (const epoch of [1, 2, 3]) folder.appendMetrics(row(epoch));
    folder.close();
    const { directory } = folder;
    appendFileSync(path.join(directory, 'metrics.csv'), '4,40,0.');
    writeFileSync(path.join(directory, 'checkpoints/last.safetensors.0a1b2c3d.tmp'), '');
    const again = RunFolder.reopen(directory);
    again.openTables({ epoch: 2, iteration: 0 });
    again.appendMetrics(row(3));
    again.close();
    expect(readMetrics(directory).map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(readdirSync(path.join(directory, 'checkpoints'))).toEqual([]);
    const short = RunFolder.reopen(directory);
    expect(() => short.openTables({ epoch: 9, iteration: 0 })).toThrow(
      /metrics\.csv has fewer rows than the checkpoint/,
    );
    short.close();
  });
});

describe('a file', () => {
  it('is replaced atomically, and a link of its name is not followed', () => {
    const [target, link] = [path.join(runs, 'target'), path.join(runs, 'link')];
    writeFileSync(target, 'before');
    symlinkSync(target, link);
    replaceFile(link, 'after');
    expect([readFileSync(target, 'utf8'), readFileSync(link, 'utf8')]).toEqual(['before', 'after']);
    expect(readdirSync(runs).sort()).toEqual(['link', 'target']);
  });

  it('stays if it cannot be replaced, and no temporary file is left', () => {
    mkdirSync(path.join(runs, 'folder'));
    expect(() => replaceFile(path.join(runs, 'folder'), 'x')).toThrow(/cannot write .*folder: /);
    expect(() => replaceFile(path.join(runs, 'none/x'), 'x')).toThrow(/cannot write .*ENOENT/);
    expect(readdirSync(runs)).toEqual(['folder']);
    writeFileSync(path.join(runs, 'notes.tmp'), '');
    removeTemporaries(runs);
    expect(existsSync(path.join(runs, 'notes.tmp'))).toBe(true);
  });
});

describe('reading', () => {
  const table = (text: string) => {
    writeFileSync(path.join(runs, 't.csv'), text);
    return readTable(path.join(runs, 't.csv'), metricsColumns);
  };
  const header = Object.keys(metricsColumns).join();

  it('accepts columns in any order, NaN, infinities and a byte order mark, and drops an incomplete row', () => {
    const cells = header.split(',').reverse().join();
    expect(table(`\uFEFF${cells}\n100,1,10,NaN,20,Infinity,0.9,1e-3,10,1\n100,1,1`)).toEqual([
      { ...row(1), lr: 0.001, train_acc: 20, train_loss: Number.POSITIVE_INFINITY },
    ]);
  });

  it.each([
    ['a column too few', 'epoch,lr\n1,2\n', /it has no column iteration/],
    ['a cell too few', `${header}\n1,2\n`, /Invalid Record Length/],
    ['a word', `${header}\n1,10,high,0.9,1,1,1,1,1,1\n`, /row 1 has no number for lr/],
    ['an empty cell', `${header}\n1,10,,0.9,1,1,1,1,1,1\n`, /row 1 has no number for lr/],
    ['hexadecimal', `${header}\n1,10,0x10,0.9,1,1,1,1,1,1\n`, /row 1 has no number for lr/],
    ['a fraction where a count belongs', `${header}\n1.5,10,1,0.9,1,1,1,1,1,1\n`, /row 1 has no number for epoch/],
    ['nothing', '', /it has no column epoch/],
  ])('refuses a table with %s', (_, text, message) => {
    expect(() => table(text)).toThrow(message);
  });

  it('refuses a device, a pipe, a folder and a file that is far too large, at once', () => {
    execFileSync('mkfifo', [path.join(runs, 'pipe.json')]);
    symlinkSync('/dev/zero', path.join(runs, 'zero.json'));
    mkdirSync(path.join(runs, 'folder.json'));
    for (const name of ['pipe', 'zero', 'folder'])
      expect(() => readJson(runs, `${name}.json`)).toThrow(/it is not a file/);
    execFileSync('truncate', ['-s', '1G', path.join(runs, 'large.json')]);
    expect(() => readJson(runs, 'large.json')).toThrow(/more than any run writes/);
  });
});
