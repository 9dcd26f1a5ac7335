import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ClrError } from '../errors.js';
import { fromBinaryFiles } from './binary-files.js';
import { cached } from './cache.js';
import type { DataOptions, Dataset } from './dataset.js';
import { decodeImage } from './decode-image.js';
import { type DecodedImage, decodersAtOnce, fromImages } from './image-folders.js';
import type { Layout } from './layout.js';
import { openSource } from './source.js';
import type { SourceFile } from './source-file.js';

/** The most bytes of decoded images: as many as one cache file and one buffer can hold. */
const maxPixelBytes = 2 ** 31 - 2 ** 20;

/** The data set at `path`, from the cache if possible. `type` starts the name of the cache file. */
export function readSource(
  type: string,
  layout: Layout,
  path: string,
  { cacheDirectory, report }: DataOptions,
): Promise<Dataset> {
  const source = openSource(path, layout);
  const key = createHash('sha256').update(source.identity).digest('hex').slice(0, 16);
  const file = join(cacheDirectory, `${type}-${key}.images`);
  const build = () => {
    report(`reading the images in ${path}; they are cached in ${cacheDirectory}`);
    return readAll(source.files(), path, layout, report);
  };
  return cached(file, build, report);
}

type Binaries = Map<string, Buffer>;
type Images = { decoded: DecodedImage[]; classNames: { train: Set<string>; test: Set<string> } };

/** Reads the files in one pass; their paths tell official files from images. */
async function readAll(
  files: AsyncIterable<SourceFile>,
  from: string,
  layout: Layout,
  report: DataOptions['report'],
): Promise<Dataset> {
  const binaries = new Map<string, Binaries>(); // by root
  const images = new Map<string, Images>(); // by root
  let [count, pixelBytes] = [0, 0];
  await concurrently(files, decodersAtOnce, async ({ path, member, bytes }) => {
    if (/\p{Cc}/u.test(path)) throw oddName(path, from);
    if (member.kind === 'binary')
      return void at(binaries, member.root, () => new Map()).set(member.name, await bytes());
    const { split, className, root } = member;
    const found = at(images, root, () => ({
      decoded: [],
      classNames: { train: new Set<string>(), test: new Set<string>() },
    }));
    found.classNames[split].add(className);
    if (member.kind === 'class') return;
    const image = await decodeImage(await bytes(), `${path} in ${from}`, layout.size);
    pixelBytes += image.pixels.length;
    if (pixelBytes > maxPixelBytes) throw tooLarge(from, count);
    found.decoded.push({ path, split, className, ...image });
    if (++count % 10_000 === 0) report(`${count} images decoded`);
  });
  const roots = [...binaries.keys(), ...images.keys()];
  const root = roots.includes('') ? '' : roots[0];
  if (root === undefined) throw nothingFound(from, layout);
  if (roots.filter((other) => root !== '' || other === '').length > 1) throw severalFound(from, roots);
  const there = root === '' ? from : join(from, root);
  if (binaries.has(root)) return fromBinaryFiles(binaries.get(root)!, layout.binary!, there);
  return fromImages(images.get(root)!.decoded, images.get(root)!.classNames, there);
}

function at<V>(map: Map<string, V>, key: string, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** Does `work` on every item, `width` at a time; stops at the first error. */
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

function tooLarge(from: string, count: number): ClrError {
  return new ClrError(
    'data',
    `${from} holds more than 2 GiB of pixels, reached after ${count} images`,
    'use fewer or smaller images: all of them are kept in memory',
  );
}

function nothingFound(from: string, { binary }: Layout): ClrError {
  const folders = 'train/<class>/*.png and test/<class>/*.png';
  return new ClrError(
    'data',
    `${from} holds ${binary ? 'neither the official binary files nor' : 'no'} image folders`,
    `expected ${binary ? `${binary.trainFiles[0]} ... ${binary.testFile}, or ` : ''}${folders}, at the top or one folder down`,
  );
}

function severalFound(from: string, roots: string[]): ClrError {
  const names = roots.map((root) => root || '.').join(', ');
  return new ClrError('data', `${from} holds more than one data set (in ${names})`, 'name one of them');
}
