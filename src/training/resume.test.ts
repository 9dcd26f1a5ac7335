import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import { configSchema, type ExperimentConfig } from '../config/schema.js';
import { RunFolder } from '../runs/run-folder.js';
import { lockFolder } from '../system/lock.js';
import { saveCheckpoint } from './checkpoint.js';
import { startPosition } from './position.js';
import { findRun, hasBegun, restorePosition } from './resume.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-resume-'));
afterAll(() => rmSync(scratch, { recursive: true }));
beforeAll(() => cpu.activate({ precision: 'f32' }));

const images = 40; // 10 updates of 4 images per epoch
const run = { epochs: 2.5, batch_size: 4, schedule: { type: 'constant', lr: 0.1 } };
const shuffled = configSchema.parse(run);
/** 13 1/3 updates per epoch, 33 in all: epochs begin at 0, 14 and 27. */
const cyclic = configSchema.parse({ ...run, batch_size: 3, order: 'fixed-cyclic', drop_last: false });
const variables = () => [{ name: 'w', value: tensor([1]) }];

/** Restores a run whose only checkpoint has that position, with a valid checksum. */
async function restored(iteration: number, epoch: number, inSums: number, config: ExperimentConfig) {
  const folder = RunFolder.create({ runs: scratch }, config);
  const position = { ...startPosition(), iteration, epoch };
  position.sums = { ...position.sums, images: inSums };
  await saveCheckpoint(folder.directory, variables(), position, 1);
  writeFileSync(path.join(folder.directory, 'config.json'), JSON.stringify(config));
  folder.close();
  return restorePosition(
    folder.directory,
    config,
    images,
    variables(),
    () => {},
    () => {},
  );
}

it.each([
  ['at its start', 0, 0, 0, shuffled],
  ['within an epoch', 13, 1, 12, shuffled],
  ['between the last update of an epoch and its validation', 10, 0, 40, shuffled],
  ['after an epoch', 20, 2, 0, shuffled],
  ['between its last update and its validation', 25, 2, 20, shuffled],
  ['at its end', 25, 3, 0, shuffled],
  ['within an epoch that began with a whole batch', 20, 1, 18, cyclic],
  ['between the last update of an epoch, which a batch reaches beyond, and its validation', 14, 0, 42, cyclic],
  ['after an epoch that a batch reaches beyond', 14, 1, 0, cyclic],
  ['after two of them', 27, 2, 0, cyclic],
  ['at its end, where batches run on from epoch to epoch', 33, 3, 0, cyclic],
])('a run is resumed %s', async (_, iteration, epoch, inSums, config) => {
  expect(await restored(iteration, epoch, inSums, config)).toMatchObject({ iteration, epoch });
});

it('a range test and the folder of a tune are not resumed, however they are named', () => {
  for (const [name, file] of Object.entries({ range: 'lr-finder.csv', tune: 'tune.json' })) {
    mkdirSync(path.join(scratch, 'others', name), { recursive: true });
    for (const each of ['config.json', file]) writeFileSync(path.join(scratch, 'others', name, each), '{}');
    const folder = path.join(scratch, 'others', name);
    const why = { range: /an LR range test, not a run/, tune: /the folder of a clr tune/ }[name]!;
    expect(() => findRun(name, path.join(scratch, 'others'))).toThrow(why);
    expect(() => hasBegun(folder)).toThrow(why);
    renameSync(folder, path.join(scratch, 'others', '1'));
    expect(() => findRun('latest', path.join(scratch, 'others'))).toThrow(/no run in/);
    rmSync(path.join(scratch, 'others', '1'), { recursive: true });
  }
});

it('a run is made longer though its epochs end between two numbers', async () => {
  const own = { ...cyclic, batch_size: 19, epochs: 19 };
  const folder = RunFolder.create({ runs: scratch }, own);
  await saveCheckpoint(folder.directory, variables(), { ...startPosition(), iteration: 21, epoch: 19 }, 1);
  writeFileSync(path.join(folder.directory, 'config.json'), JSON.stringify(own));
  folder.close();
  const none = () => {};
  const longer = { ...own, epochs: 38 };
  expect(restorePosition(folder.directory, longer, 21, variables(), none, none)).toMatchObject({ iteration: 21 });
});

it.each([
  ['an epoch before it begins', 3, 39, 0, shuffled],
  ['past its end', 26, 2, 24, shuffled],
  ['an epoch long past', 25, 1, 40, shuffled],
  ['with images that it has not seen', 13, 1, 16, shuffled],
  ['with images of an epoch that is over', 25, 3, 20, shuffled],
  ['an epoch before its first whole batch', 13, 1, 0, cyclic],
  ['a batch past the epoch that it reaches beyond', 15, 0, 45, cyclic],
  ['with fewer images than its batches have', 14, 0, 40, cyclic],
])('a run is not resumed %s', async (_, iteration, epoch, inSums, config) => {
  await expect(restored(iteration, epoch, inSums, config)).rejects.toThrow(
    `has a position that this run cannot have (epoch ${epoch}, iteration ${iteration}, ${inSums} images)`,
  );
});

describe('a run to resume if it has begun', () => {
  function folderOf(...files: string[]): string {
    const directory = mkdtempSync(path.join(scratch, 'begun-'));
    for (const file of files) writeFileSync(path.join(directory, file), '');
    return directory;
  }

  it('has begun once it has a config, whatever else is missing', () => {
    const directory = folderOf('config.json');
    expect(hasBegun(directory)).toBe(true);
    expect(readdirSync(directory)).toEqual(['config.json']);
  });

  it('has not begun if there is no folder, and none is made', () => {
    const directory = path.join(scratch, 'nowhere');
    expect(hasBegun(directory)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });

  it.each([
    ['nothing', []],
    ['half a config and the lock of a process that has ended', ['config.json.0a1b2c3d.tmp', lockOfDeadProcess()]],
  ])('has not begun if a kill left %s, and the folder is removed', (_, files) => {
    const directory = folderOf(...files);
    expect(hasBegun(directory)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });

  it('is rejected, and left as it is, if the folder holds anything else', () => {
    const directory = folderOf('thesis.tex');
    mkdirSync(path.join(directory, 'checkpoints'));
    expect(() => hasBegun(directory)).toThrow(`${directory} exists but is not a run folder`);
    expect(readdirSync(directory).sort()).toEqual(['checkpoints', 'thesis.tex']);
  });

  it('is rejected, and left alone, while another process makes it', () => {
    const directory = folderOf();
    const unlock = lockFolder(directory);
    expect(() => hasBegun(directory, { takeOver: true })).toThrow('is in use by');
    unlock();
    expect(hasBegun(directory)).toBe(false);
  });

  it('locked by a process on another machine has not begun once it is taken over', () => {
    const directory = folderOf('lock-gone.example-0123456789ab-4026531836-7-99');
    expect(() => hasBegun(directory)).toThrow('is in use by process 7 on gone.example');
    expect(hasBegun(directory, { takeOver: true })).toBe(false);
  });
});

/** The name of this process's lock with another start time: that of an earlier process with its PID. */
function lockOfDeadProcess(): string {
  const unlock = lockFolder(scratch);
  const own = readdirSync(scratch).find((name) => name.startsWith('lock-'))!;
  unlock();
  return own.replace(/\d+$/, '1');
}
