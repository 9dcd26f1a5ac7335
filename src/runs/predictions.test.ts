import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packPredictions, predictionsName, readPredictions } from './predictions.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-predictions-'));
afterAll(() => rmSync(root, { recursive: true }));

it.each([0, 1, 8, 13, 10_000])('%d predictions are read as they were written, one bit each', (images) => {
  const correct = Uint8Array.from({ length: images }, (_, i) => Number((i * 37) % 5 < 2));
  const packed = packPredictions(correct);
  expect(packed.length).toBe(4 + Math.ceil(images / 8));
  writeFileSync(path.join(root, predictionsName), packed);
  expect(readPredictions(root)).toEqual(correct);
});

it('are undefined if the file is missing or cut off', () => {
  expect(readPredictions(path.join(root, 'none'))).toBeUndefined();
  const file = path.join(root, predictionsName);
  writeFileSync(file, packPredictions(new Uint8Array(20)));
  for (const size of [6, 2]) {
    truncateSync(file, size);
    expect(readPredictions(root)).toBeUndefined();
  }
});
