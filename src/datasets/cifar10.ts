import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { ClrError } from '../errors.js';
import { entry } from '../registry.js';
import { fromBatches } from './binary-batches.js';
import { cached } from './cache.js';
import type { DataOptions, Dataset } from './dataset.js';
import { decodeImage } from './decode-image.js';
import { downloaded, officialDownload } from './download.js';
import { type DecodedImage, decodersAtOnce, fromImages } from './image-folders.js';
import { openSource } from './source.js';
import type { SourceFile } from './source-file.js';
import { type Limits, limited } from './subset.js';

const limit = (split: string) =>
  z
    .int()
    .positive()
    .optional()
    .describe(`images of the ${split} split, the same number of each class; all when absent`);

/** CIFAR-10 (Krizhevsky 2009) from the official binary batches, from image folders, or from an archive of either. */
export const cifar10 = {
  ...entry({
    type: 'cifar10',
    about: 'CIFAR-10: 50,000 training and 10,000 validation images of 32x32 pixels, downloaded or from --data.',
    source: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    options: z.object({ train_limit: limit('training'), val_limit: limit('validation') }),
    async create(limits, data: DataOptions) {
      return limited(await load(data.path ?? (await downloaded(officialDownload, data)), data), limits, data);
    },
  }),
  trainSize: ({ train_limit = 50_000 }: Limits) => train_limit,
};

/** Everything at `path`, from the cache when it is there. */
async function load(path: string, { cacheDirectory, report }: DataOptions): Promise<Dataset> {
  const source = openSource(path);
  const key = createHash('sha256').update(source.identity).digest('hex').slice(0, 16);
  const file = join(cacheDirectory, `cifar10-${key}.bytes`);
  const build = () => {
    report(`reading the images in ${path}, to be kept in ${cacheDirectory}`);
    return readAll(source.files(), path, report);
  };
  return cached(file, build, report);
}

type Batches = Map<string, Buffer>;
type Images = { decoded: DecodedImage[]; classNames: { train: Set<string>; test: Set<string> } };

/** Reads one pass over the files; batches and images are told by their places. */
async function readAll(
  files: AsyncIterable<SourceFile>,
  from: string,
  report: DataOptions['report'],
): Promise<Dataset> {
  const batches = new Map<string, Batches>(); // by root
  const images = new Map<string, Images>(); // by root
  let count = 0;
  await concurrently(files, decodersAtOnce, async ({ path, member, bytes }) => {
    if (/\p{Cc}/u.test(path)) throw oddName(path, from);
    if (member.kind === 'batch') return void at(batches, member.root, () => new Map()).set(member.name, await bytes());
    const { split, className, root } = member;
    const found = at(images, root, () => ({
      decoded: [],
      classNames: { train: new Set<string>(), test: new Set<string>() },
    }));
    found.classNames[split].add(className);
    if (member.kind === 'class') return;
    found.decoded.push({ path, split, className, pixels: await decodeImage(await bytes(), `${path} in ${from}`) });
    if (++count % 10_000 === 0) report(`${count} images decoded`);
  });
  const roots = [...batches.keys(), ...images.keys()];
  const root = roots.includes('') ? '' : roots[0];
  if (root === undefined) throw nothingFound(from);
  if (roots.filter((other) => root !== '' || other === '').length > 1) throw severalFound(from, roots);
  const there = root === '' ? from : join(from, root);
  if (batches.has(root)) return fromBatches(batches.get(root)!, there);
  return fromImages(images.get(root)!.decoded, images.get(root)!.classNames, there);
}

function at<V>(map: Map<string, V>, key: string, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** Does `work` on every item, `width` at a time; the first error ends it. */
async function concurrently<T>(
  items: AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const worker = async () => {
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) await work(next.value);
    } finally {
      await iterator.return?.();
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

function oddName(path: string, from: string): ClrError {
  return new ClrError('data', `${JSON.stringify(path)} in ${from} has control characters in its name`, 'rename it');
}

function nothingFound(from: string): ClrError {
  return new ClrError(
    'data',
    `${from} holds neither the official binary batches nor image folders`,
    'expected data_batch_1.bin ... test_batch.bin, or train/<class>/*.png and test/<class>/*.png, at the top or one folder down',
  );
}

function severalFound(from: string, roots: string[]): ClrError {
  const names = roots.map((root) => root || '.').join(', ');
  return new ClrError('data', `${from} holds more than one data set (in ${names})`, 'name one of them');
}
