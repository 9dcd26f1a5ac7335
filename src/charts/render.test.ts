import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { TopLevelSpec } from 'vega-lite';
import { afterAll, expect, test } from 'vitest';
import { readTextWidth } from './font.js';
import { renderPng, scaleFactor, writeChart } from './render.js';
import { theme } from './theme.js';

const directory = mkdtempSync(join(tmpdir(), 'clr-charts-'));
afterAll(() => rmSync(directory, { recursive: true }));

const fontSize = 40;

function text(words: string): TopLevelSpec {
  return {
    ...{ width: 600, height: 100, data: { values: [{}] }, mark: { type: 'text', text: words, fontSize } },
    config: { ...theme, padding: 0, view: { stroke: null } },
  };
}

/** Width in the spec's pixels of what is not white. */
async function inkWidth(words: string): Promise<number> {
  const { info } = await sharp(await renderPng(text(words)))
    .trim({ background: 'white' })
    .toBuffer({ resolveWithObject: true });
  return info.width / scaleFactor;
}

test('the PNG has the scale factor times the size of the spec and a white background', async () => {
  const image = sharp(await renderPng(text('a')));
  expect(await image.metadata()).toMatchObject({ format: 'png', width: 600 * scaleFactor, height: 100 * scaleFactor });
  const { data } = await image.raw().toBuffer({ resolveWithObject: true });
  expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
});

test('letters are drawn with the shipped font, of which the widths are known, and no box for a missing glyph', async () => {
  const width = readTextWidth();
  for (const words of [
    'illicit fill',
    'MOMENTUM WWW',
    '0.95 % \u2212 1,000',
    'learning rate',
    '\u00b1 \u00d7 \u2264 \u00b5 \u2026',
  ]) {
    expect(width(words, fontSize)).toBeGreaterThan(0);
    expect(Math.abs((await inkWidth(words)) - width(words, fontSize))).toBeLessThan(0.2 * fontSize);
  }
  expect(width('iiii', 10)).toBeLessThan(width('WWWW', 10) / 3);
});

test('a chart is written with its spec, and nothing else stays in the folder', async () => {
  await writeChart(directory, 'words', text('{braces} [and "quotes"]'));
  expect(readdirSync(directory).sort()).toEqual(['words.png', 'words.vl.json']);
  expect(JSON.parse(readFileSync(join(directory, 'words.vl.json'), 'utf8'))).toEqual(text('{braces} [and "quotes"]'));
});
