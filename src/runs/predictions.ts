import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The number of validation images (uint32, little-endian), then a bit for each, lowest first: 1 if the final weights are
 * right.
 */
export const predictionsName = 'predictions.bin';

/** `correct`: 0 or 1 for each image, in the order of the validation set. */
export function packPredictions(correct: Uint8Array): Buffer {
  const packed = Buffer.alloc(4 + Math.ceil(correct.length / 8));
  packed.writeUInt32LE(correct.length);
  for (const [i, right] of correct.entries()) packed[4 + (i >> 3)]! |= right << (i & 7);
  return packed;
}

/** 0 or 1 for each image; undefined: the file is missing or damaged. */
export function readPredictions(directory: string): Uint8Array | undefined {
  const file = path.join(directory, predictionsName);
  if (!existsSync(file)) return undefined;
  const packed = readFileSync(file);
  const images = packed.length < 4 ? -1 : packed.readUInt32LE();
  if (packed.length !== 4 + Math.ceil(images / 8)) return undefined;
  return Uint8Array.from({ length: images }, (_, i) => (packed[4 + (i >> 3)]! >> (i & 7)) & 1);
}
