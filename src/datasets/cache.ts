import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders, replaceFile } from '../system/atomic.js';
import { type Dataset, type Labels, type Split, zeroLabels } from './dataset.js';

/** A cache file starts with two lines: the SHA-256 of all after it, then this header as JSON, padded with spaces. */
interface Header {
  imageShape: [number, number, number];
  classNames: string[];
  train: number;
  validation: number;
}

const checksumLength = 64 + 1;

/** The header is padded to a multiple of this, so that the pixels after it start at an aligned offset. */
const alignment = 4096;

/**
 * The data set cached in `file`, or else the one that `build` makes, which is then cached there. The file is replaced
 * atomically (temporary file, rename), so several processes may do this at once. A damaged file is rebuilt and
 * reported.
 */
export async function cached(
  file: string,
  build: () => Promise<Dataset>,
  report: (message: string) => void,
): Promise<Dataset> {
  try {
    return unpack(await readFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      report(`${file} cannot be used (${(error as Error).message}): decoding the images again`);
  }
  const dataset = await build();
  const { sha256, bytes } = pack(dataset);
  try {
    makeFolders(dirname(file));
    replaceFile(file, bytes);
  } catch (error) {
    report(`the decoded images could not be cached: ${(error as Error).message}`);
  }
  return { ...dataset, sha256 };
}

function pack(dataset: Dataset): { sha256: string; bytes: Buffer } {
  const { imageShape, classNames, train, validation } = dataset;
  const body = [train.images, bytesOf(train.labels), validation.images, bytesOf(validation.labels)];
  const counts = { train: train.labels.length, validation: validation.labels.length };
  const text = JSON.stringify({ imageShape, classNames, ...counts } satisfies Header);
  const length = checksumLength + Buffer.byteLength(text) + 1;
  const header = Buffer.from(`${text}${' '.repeat(alignment - (length % alignment))}\n`);
  const sha256 = digest([header, ...body]);
  return { sha256, bytes: Buffer.concat([Buffer.from(`${sha256}\n`), header, ...body]) };
}

function unpack(bytes: Buffer): Dataset {
  const sealed = bytes.subarray(checksumLength);
  const sha256 = digest([sealed]);
  if (bytes.toString('latin1', 0, checksumLength) !== `${sha256}\n`) throw new Error('its checksum is wrong');
  const end = sealed.indexOf('\n');
  const { imageShape, classNames, train, validation }: Header = JSON.parse(sealed.toString('utf8', 0, end));
  const body = sealed.subarray(end + 1);
  const imageBytes = imageShape[0] * imageShape[1] * imageShape[2];
  const split = (start: number, count: number): Split => {
    const plain = new Uint8Array(body.buffer, body.byteOffset + start); // not a Buffer, whose slice() does not copy
    const labels = zeroLabels(count, classNames.length);
    bytesOf(labels).set(plain.subarray(count * imageBytes, count * imageBytes + labels.byteLength));
    return { images: plain.subarray(0, count * imageBytes), labels };
  };
  const trainBytes = train * imageBytes + zeroLabels(train, classNames.length).byteLength;
  return { imageShape, classNames, train: split(0, train), validation: split(trainBytes, validation), sha256 };
}

function bytesOf(labels: Labels): Uint8Array {
  return new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength);
}

function digest(parts: Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
