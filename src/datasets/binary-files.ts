import { ClrError } from '../errors.js';
import { type Dataset, type Split, zeroLabels } from './dataset.js';
import { type BinaryFormat, pixelBytes } from './layout.js';

const pixels = pixelBytes / 3;

/** Decodes the official binary version. `files` is keyed by name; `from`, for messages, is where they come from. */
export function fromBinaryFiles(files: Map<string, Buffer>, format: BinaryFormat, from: string): Dataset {
  const { trainFiles, testFile, namesFile, classes } = format;
  const missing = [...trainFiles, testFile, namesFile].filter((name) => !files.has(name));
  if (missing.length > 0)
    throw new ClrError(
      'data',
      `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing from ${from}`,
      'unpack or download the archive again',
    );
  const classNames = files
    .get(namesFile)!
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (classNames.length !== classes)
    throw damagedFile(from, namesFile, `names ${classNames.length} classes, not ${classes}`);
  return {
    imageShape: [32, 32, 3],
    classNames,
    train: decode(trainFiles, files, format, from),
    validation: decode([testFile], files, format, from),
  };
}

function decode(names: string[], files: Map<string, Buffer>, format: BinaryFormat, from: string): Split {
  const { classes, labelBytes, labelByte } = format;
  const recordBytes = labelBytes + pixelBytes;
  const counts = names.map((name) => recordsIn(name, files.get(name)!, recordBytes, from));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const split = { images: new Uint8Array(total * pixelBytes), labels: zeroLabels(total, classes) };
  let image = 0;
  names.forEach((name, i) => {
    const file = files.get(name)!;
    for (let record = 0; record < counts[i]!; record++, image++) {
      const start = record * recordBytes;
      const label = file[start + labelByte]!;
      if (label >= classes)
        throw damagedFile(from, name, `has label ${label} in record ${record}; labels are 0 to ${classes - 1}`);
      split.labels[image] = label;
      interleave(file, start + labelBytes, split.images, image * pixelBytes);
    }
  });
  return split;
}

function recordsIn(name: string, file: Buffer, recordBytes: number, from: string): number {
  if (file.length > 0 && file.length % recordBytes === 0) return file.length / recordBytes;
  throw damagedFile(from, name, `has ${file.length} bytes, not a multiple of ${recordBytes}`);
}

/** [3, 32, 32] to [32, 32, 3]. */
function interleave(planes: Uint8Array, start: number, output: Uint8Array, at: number): void {
  for (let c = 0; c < 3; c++) for (let p = 0; p < pixels; p++) output[at + 3 * p + c] = planes[start + c * pixels + p]!;
}

function damagedFile(from: string, name: string, problem: string): ClrError {
  return new ClrError('data', `${name} in ${from} ${problem}`, 'unpack or download the archive again');
}
