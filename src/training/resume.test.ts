import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import { configSchema } from '../config/schema.js';
import { RunFolder } from '../runs/run-folder.js';
import { saveCheckpoint } from './checkpoint.js';
import { startPosition } from './position.js';
import { restorePosition } from './resume.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-resume-'));
afterAll(() => rmSync(scratch, { recursive: true }));
beforeAll(() => cpu.activate({ precision: 'f32' }));

const images = 40; // 10 updates of 4 images an epoch
const config = configSchema.parse({ epochs: 2.5, batch_size: 4, schedule: { type: 'constant', lr: 0.1 } });
const variables = () => [{ name: 'w', value: tensor([1]) }];

/** What becomes of a run whose only checkpoint has that position, with a checksum that fits. */
async function restored(iteration: number, epoch: number, inSums: number) {
  const folder = RunFolder.create({ runs: scratch }, config);
  const position = { ...startPosition(), iteration, epoch };
  position.sums = { ...position.sums, images: inSums };
  await saveCheckpoint(folder.directory, variables(), position, 1);
  writeFileSync(path.join(folder.directory, 'config.json'), JSON.stringify(config));
  folder.close();
  return restorePosition(folder.directory, config, images, variables(), () => {});
}

it.each([
  ['at its start', 0, 0, 0],
  ['within an epoch', 13, 1, 12],
  ['between the last update of an epoch and its validation', 10, 0, 40],
  ['after an epoch', 20, 2, 0],
  ['between its last update and its validation', 25, 2, 20],
  ['at its end', 25, 3, 0],
])('a run is resumed %s', async (_, iteration, epoch, inSums) => {
  expect(await restored(iteration, epoch, inSums)).toMatchObject({ iteration, epoch });
});

it.each([
  ['an epoch before it begins', 3, 39, 0],
  ['past its end', 26, 2, 24],
  ['an epoch long past', 25, 1, 40],
  ['with images that it has not seen', 13, 1, 16],
  ['with images of an epoch that is over', 25, 3, 20],
])('a run is not resumed %s', async (_, iteration, epoch, inSums) => {
  await expect(restored(iteration, epoch, inSums)).rejects.toThrow(
    `has a position that this run cannot have (epoch ${epoch}, iteration ${iteration}, ${inSums} images)`,
  );
});
