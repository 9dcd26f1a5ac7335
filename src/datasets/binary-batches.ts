import { ClrError } from '../errors.js';
import type { Dataset, Split } from './dataset.js';

const pixels = 32 * 32;
const recordBytes = 1 + 3 * pixels;
const trainFiles = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
const testFile = 'test_batch.bin';
const namesFile = 'batches.meta.txt';

/**
 * The official binary version (https://www.cs.toronto.edu/~kriz/cifar.html): records of one label byte and 3072 pixel
 * bytes, channel by channel. `files` by name; `from` is where they come from, for the messages.
 */
export function fromBatches(files: Map<string, Buffer>, from: string): Dataset {
  const missing = [...trainFiles, testFile, namesFile].filter((name) => !files.has(name));
  if (missing.length > 0)
    throw new ClrError('data', `${from} lacks ${missing.join(', ')}`, 'unpack or download the archive again');
  const classNames = files
    .get(namesFile)!
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (classNames.length !== 10) throw damagedFile(from, namesFile, `names ${classNames.length} classes, not 10`);
  return {
    imageShape: [32, 32, 3],
    classNames,
    train: decodeBatches(trainFiles, files, from),
    validation: decodeBatches([testFile], files, from),
  };
}

function decodeBatches(names: string[], files: Map<string, Buffer>, from: string): Split {
  const counts = names.map((name) => recordsIn(name, files.get(name)!, from));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const split = { images: new Uint8Array(total * 3 * pixels), labels: new Uint8Array(total) };
  let image = 0;
  names.forEach((name, i) => {
    const batch = files.get(name)!;
    for (let record = 0; record < counts[i]!; record++, image++) {
      const start = record * recordBytes;
      const label = batch[start]!;
      if (label > 9) throw damagedFile(from, name, `has label ${label} in record ${record}; labels are 0 to 9`);
      split.labels[image] = label;
      interleave(batch, start + 1, split.images, image * 3 * pixels);
    }
  });
  return split;
}

function recordsIn(name: string, batch: Buffer, from: string): number {
  if (batch.length > 0 && batch.length % recordBytes === 0) return batch.length / recordBytes;
  throw damagedFile(from, name, `has ${batch.length} bytes, not a multiple of ${recordBytes}`);
}

/** [3, 32, 32] to [32, 32, 3]. */
function interleave(planes: Uint8Array, start: number, output: Uint8Array, at: number): void {
  for (let c = 0; c < 3; c++) for (let p = 0; p < pixels; p++) output[at + 3 * p + c] = planes[start + c * pixels + p]!;
}

function damagedFile(from: string, name: string, problem: string): ClrError {
  return new ClrError('data', `${name} in ${from} ${problem}`, 'unpack or download the archive again');
}
