import { readFileSync } from 'node:fs';
import { shipped } from '../system/root.js';

/** The fontconfig file that knows the shipped font and no other. */
export const fontconfigFile = shipped('src/charts/fonts/fonts.conf');

const font = shipped('src/charts/fonts/Roboto-Regular.ttf');

/** What is known of the shipped font. */
export interface Font {
  /** Glyph number of a code point; 0, the box, for what the font does not have. */
  glyphOf(codePoint: number): number;
  /** Width of a text in pixels, without kerning: the sum of the advance widths. */
  textWidth(text: string, fontSize: number): number;
}

/** Reads the tables cmap (format 4), hhea, hmtx and head of the font (OpenType specification, ISO/IEC 14496-22). */
export function readFont(): Font {
  const file = readFileSync(font);
  const table = tables(file);
  const unitsPerEm = table('head').readUInt16BE(18);
  const glyphOf = glyphs(table('cmap'));
  const lastAdvance = table('hhea').readUInt16BE(34) - 1;
  const hmtx = table('hmtx');
  const advance = (glyph: number) => hmtx.readUInt16BE(4 * Math.min(glyph, lastAdvance));
  return {
    glyphOf,
    textWidth(text, fontSize) {
      const units = [...text].reduce((sum, character) => sum + advance(glyphOf(character.codePointAt(0)!)), 0);
      return (units * fontSize) / unitsPerEm;
    },
  };
}

function tables(file: Buffer): (tag: string) => Buffer {
  return (tag) => {
    for (let record = 12; record < 12 + 16 * file.readUInt16BE(4); record += 16) {
      if (file.toString('latin1', record, record + 4) !== tag) continue;
      const offset = file.readUInt32BE(record + 8);
      return file.subarray(offset, offset + file.readUInt32BE(record + 12));
    }
    throw new Error(`${font}: no table ${tag}`);
  };
}

function glyphs(cmap: Buffer): Font['glyphOf'] {
  const map = cmap.subarray(unicodeSubtable(cmap));
  const ends = 14;
  const size = map.readUInt16BE(6); // twice the number of segments
  const starts = ends + size + 2;
  return (codePoint) => {
    for (let segment = 0; segment < size; segment += 2) {
      if (codePoint > map.readUInt16BE(ends + segment)) continue;
      const start = map.readUInt16BE(starts + segment);
      if (codePoint < start) return 0;
      const delta = map.readUInt16BE(starts + size + segment);
      const rangeAt = starts + 2 * size + segment;
      const range = map.readUInt16BE(rangeAt);
      if (range === 0) return (codePoint + delta) & 0xffff;
      const glyph = map.readUInt16BE(rangeAt + range + 2 * (codePoint - start));
      return glyph && (glyph + delta) & 0xffff;
    }
    return 0;
  };
}

function unicodeSubtable(cmap: Buffer): number {
  for (let record = 4; record < 4 + 8 * cmap.readUInt16BE(2); record += 8) {
    const offset = cmap.readUInt32BE(record + 4);
    if (cmap.readUInt16BE(offset) === 4) return offset;
  }
  throw new Error(`${font}: no cmap of format 4`);
}
