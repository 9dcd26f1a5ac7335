import { readFileSync } from 'node:fs';
import { create, type Font } from 'fontkit';
import { shipped } from '../system/root.js';

/** The fontconfig file that knows the shipped font and no other. */
export const fontconfigFile = shipped('src/charts/fonts/fonts.conf');

export const fontFile = shipped('src/charts/fonts/Roboto-Regular.ttf');

/** The shipped font. */
export function readFont(): Font {
  return create(readFileSync(fontFile)) as Font;
}

/** Width of a text in pixels, without kerning: the sum of the advance widths. */
export function textWidth(font: Font, text: string, fontSize: number): number {
  const advances = [...text].map((character) => font.glyphForCodePoint(character.codePointAt(0)!).advanceWidth);
  return (advances.reduce((sum, advance) => sum + advance, 0) * fontSize) / font.unitsPerEm;
}
