import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { TopLevelSpec } from 'vega-lite';
import { afterAll, expect, test } from 'vitest';
import { readFont, textWidth } from './font.js';
import { renderPng, scaleFactor, writeChart, writeChartFile } from './render.js';
import { theme } from './theme.js';

const directory = mkdtempSync(join(tmpdir(), 'clr-charts-'));
afterAll(() => rmSync(directory, { recursive: true }));

const fontSize = 40;

function text(words: string, font = theme.font): TopLevelSpec {
  return {
    ...{ width: 600, height: 100, data: { values: [{}] }, mark: { type: 'text', text: words, fontSize } },
    config: { ...theme, font, padding: 0, view: { stroke: null } },
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

test('letters are drawn with the shipped font, whose widths are known', async () => {
  const font = readFont();
  for (const words of ['illicit fill', 'MOMENTUM WWW', '0.95 % \u2212 1,000', 'learning rate', beyondAscii]) {
    expect(textWidth(font, words, fontSize)).toBeGreaterThan(0);
    expect(Math.abs((await inkWidth(words)) - textWidth(font, words, fontSize))).toBeLessThan(0.2 * fontSize);
  }
  expect(textWidth(font, 'iiii', 10)).toBeLessThan(textWidth(font, 'WWWW', 10) / 3);
});

/** Characters of our own texts, and of vega's: minus sign, micro, ellipsis. */
const beyondAscii = '\u00b1 \u00d7 \u2264 \u2265 \u00b0 \u2013 \u2014 \u2019 \u2212 \u00b5 \u2026';

test('the shipped font has a glyph for every character of charts, so that none is drawn as a box', () => {
  const font = readFont();
  const ascii = Array.from({ length: 0x7e - 0x20 + 1 }, (_, i) => String.fromCharCode(0x20 + i));
  const boxes = [...ascii, ...beyondAscii].filter((character) => !font.hasGlyphForCodePoint(character.codePointAt(0)!));
  expect(boxes).toEqual([]);
  expect(font.hasGlyphForCodePoint('\u6f22'.codePointAt(0)!)).toBe(false); // a Chinese character, which it lacks
});

test('fonts of the host are not used: whatever font is asked for, the shipped one is drawn', async () => {
  const shipped = await renderPng(text('Momentum 0.95'));
  for (const font of ['DejaVu Sans', 'Liberation Serif', 'Arial', 'monospace', 'serif'])
    expect((await renderPng(text('Momentum 0.95', font))).equals(shipped), font).toBe(true);
  expect((await renderPng(text('Momentum 0.96'))).equals(shipped)).toBe(false);
});

test('a chart is written with its spec, and nothing else stays in the folder', async () => {
  await writeChart(directory, 'words', text('{braces} [and "quotes"]'));
  expect(readdirSync(directory).sort()).toEqual(['words.png', 'words.vl.json']);
  expect(JSON.parse(readFileSync(join(directory, 'words.vl.json'), 'utf8'))).toEqual(text('{braces} [and "quotes"]'));
});

test('a PDF has the size of the chart, at 96 pixels per inch, and embeds the shipped font', async () => {
  await writeChartFile(join(directory, 'words.pdf'), text('words'));
  const pdf = readFileSync(join(directory, 'words.pdf'), 'latin1');
  expect(pdf).toMatch(/^%PDF-[\s\S]*%%EOF\s*$/);
  expect(pdf).toContain(`/MediaBox [0 0 ${0.75 * 600} ${0.75 * 100}]`);
  expect(pdf).toMatch(/\/FontName \/\w+\+Roboto-Regular/);
  expect(pdf).not.toContain('Helvetica');
});
