import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders, replaceFile } from '../system/atomic.js';
import { type Dataset, type Labels, type Split, zeroLabels } from './dataset.js';

interface Header {
  imageShape: [number, number, number];
  classNames: string[];
  train: number;
  validation: number;
  /** Of everything after the header. */
  sha256: string;
}

/** The header is padded to a multiple of this, so that the pixels after it lie at an even address. */
const alignment = 4096;

/**
 * The data set kept in `file`, or else the one that `build` makes, which is then kept there. The file appears whole or not
 * at all (temporary file, rename), so several processes may do this at once. A damaged file is rebuilt and reported.
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
  try {
    makeFolders(dirname(file));
    replaceFile(file, pack(dataset));
  } catch (error) {
    report(`the decoded images could not be kept for next time: ${(error as Error).message}`);
  }
  return dataset;
}

function pack(dataset: Dataset): Buffer {
  const { imageShape, classNames, train, validation } = dataset;
  const body = [train.images, bytesOf(train.labels), validation.images, bytesOf(validation.labels)];
  const sha256 = digest(body);
  const header: Header = {
    imageShape,
    classNames,
    train: train.labels.length,
    validation: validation.labels.length,
    sha256,
  };
  const text = Buffer.from(JSON.stringify(header));
  const padding = Buffer.alloc(alignment - ((text.length + 1) % alignment), ' ');
  return Buffer.concat([text, padding, Buffer.from('\n'), ...body]);
}

function unpack(bytes: Buffer): Dataset {
  const end = bytes.indexOf('\n');
  if (end < 0) throw new Error('it has no header');
  const body = bytes.subarray(end + 1);
  const { imageShape, classNames, train, validation, sha256 }: Header = JSON.parse(bytes.toString('utf8', 0, end));
  if (digest([body]) !== sha256) throw new Error('its checksum is wrong');
  const imageBytes = imageShape[0] * imageShape[1] * imageShape[2];
  const split = (start: number, count: number): Split => {
    const plain = new Uint8Array(body.buffer, body.byteOffset + start); // no Buffer: its slice() does not copy
    const labels = zeroLabels(count, classNames.length);
    bytesOf(labels).set(plain.subarray(count * imageBytes, count * imageBytes + labels.byteLength));
    return { images: plain.subarray(0, count * imageBytes), labels };
  };
  const trainBytes = train * imageBytes + zeroLabels(train, classNames.length).byteLength;
  return { imageShape, classNames, train: split(0, train), validation: split(trainBytes, validation) };
}

function bytesOf(labels: Labels): Uint8Array {
  return new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength);
}

function digest(parts: Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
