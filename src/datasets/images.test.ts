import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import sharp from 'sharp';
import { create } from 'tar';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from './dataset.js';
import { datasets, trainSize } from './index.js';

const scratch = mkdtempSync(join(tmpdir(), 'clr-images-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let place: string; // a fresh folder for each test
beforeEach(() => {
  place = mkdtempSync(join(scratch, 'test-'));
});

function load(type: string, path?: string, options = {}): Promise<Dataset> {
  const data = { ...(path && { path }), cacheDirectory: join(place, 'cache'), seed: 1, report: () => {} };
  return datasets.create({ type, ...options }, data);
}

function write(path: string, content: Buffer | string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function png(red: number, width = 20, height = 12): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r: red, g: 1, b: 2 } } })
    .png()
    .toBuffer();
}

/** One training and one test image of each class, whose red value is the label's low byte. */
async function writeClasses(folder: string, count: number): Promise<string> {
  for (let label = 0; label < count; label++)
    for (const split of ['train', 'test'])
      write(join(folder, split, `class-${String(label).padStart(3, '0')}`, 'a.png'), await png(label % 256));
  return folder;
}

async function pack(folder: string, file: string): Promise<string> {
  await create({ file, gzip: true, cwd: folder }, ['.']);
  return file;
}

describe('images', () => {
  it('may have any size, and need not be square', async () => {
    const folder = await writeClasses(join(place, 'data'), 3);
    const dataset = await load('images', folder);
    expect(dataset.imageShape).toEqual([12, 20, 3]);
    expect(dataset.classNames).toEqual(['class-000', 'class-001', 'class-002']);
    expect([...dataset.validation.labels]).toEqual([0, 1, 2]);
    expect([...dataset.train.images.slice(12 * 20 * 3, 12 * 20 * 3 + 3)]).toEqual([1, 1, 2]);
    expect(dataset.train.images).toHaveLength(3 * 12 * 20 * 3);
  });

  it('may have more than 255 classes, from a folder, an archive and the cache alike', async () => {
    const folder = await writeClasses(join(place, 'data'), 300);
    const direct = await load('images', folder);
    expect([...direct.train.labels]).toEqual(Array.from({ length: 300 }, (_, label) => label));
    expect(direct.train.images[299 * 12 * 20 * 3]).toBe(299 % 256);
    for (const again of [folder, await pack(folder, join(place, 'a.tgz'))])
      expect(isDeepStrictEqual(await load('images', again), direct)).toBe(true);
    const part = await load('images', folder, { train_limit: 290 });
    expect(new Set(part.train.labels).size).toBe(290);
    expect(Math.max(...part.train.labels)).toBeGreaterThan(255);
  });

  it('may have an odd number of bytes in the cache', async () => {
    const folder = join(place, 'data');
    for (let label = 0; label < 257; label++)
      for (const split of ['train', 'test']) write(join(folder, split, `${1000 + label}`, 'a.png'), await png(1, 3, 1));
    const direct = await load('images', folder);
    expect(readdirSync(join(place, 'cache'))).toEqual([expect.stringMatching(/^images-[0-9a-f]{16}\.images$/)]);
    expect(isDeepStrictEqual(await load('images', folder), direct)).toBe(true);
  });

  it('are refused when they differ in size, with both named', async () => {
    const folder = await writeClasses(join(place, 'data'), 2);
    write(join(folder, 'test/class-001/b.png'), await png(1, 21, 12));
    await expect(load('images', folder)).rejects.toThrow(
      'the same size, but test/class-000/a.png has 20 x 12 pixels and test/class-001/b.png has 21 x 12 pixels',
    );
  });

  it('are refused above 1024 pixels a side, and where a class has images in one split only', async () => {
    const folder = await writeClasses(join(place, 'data'), 2);
    write(join(folder, 'train/class-001/b.png'), await png(1, 1025, 2));
    await expect(load('images', folder)).rejects.toThrow(/class-001\/b\.png in .* is 1025 x 2 pixels/);
    rmSync(join(folder, 'train/class-001'), { recursive: true });
    await expect(load('images', folder)).rejects.toThrow(/only in test\/: class-001/);
    rmSync(join(folder, 'test/class-001'), { recursive: true });
    await expect(load('images', folder)).rejects.toThrow(/has only one class, class-000/);
  });

  it('are refused when no path is given, and when it holds no images', async () => {
    await expect(load('images')).rejects.toThrow('the data set "images" needs a path');
    await expect(load('images', place)).rejects.toThrow(`${place} holds no image folders`);
  });

  it('have a number known beforehand only when limited', () => {
    expect(trainSize({ type: 'images', train_limit: 40 })).toBe(40);
    expect(() => trainSize({ type: 'images' })).toThrow(/the number of training images .* is unknown/);
  });
});

/** Both files with these records: a coarse label, a fine label, and pixels that all have the fine label's value. */
function writeBinary(folder: string, labels: number[]): string {
  const records = Buffer.concat(
    labels.map((fine) => Buffer.concat([Buffer.from([19, fine]), Buffer.alloc(3072, fine)])),
  );
  for (const name of ['train.bin', 'test.bin']) write(join(folder, name), records);
  write(join(folder, 'fine_label_names.txt'), Array.from({ length: 100 }, (_, i) => `fine-${i}\n`).join(''));
  write(join(folder, 'coarse_label_names.txt'), Array.from({ length: 20 }, (_, i) => `coarse-${i}\n`).join(''));
  return folder;
}

describe('cifar100', () => {
  it('has the fine labels of the official binary files, from a folder, its parent and an archive alike', async () => {
    const folder = writeBinary(join(place, 'data/cifar-100-binary'), [99, 0, 42]);
    const direct = await load('cifar100', folder);
    expect([...direct.train.labels]).toEqual([99, 0, 42]);
    expect(direct.classNames[42]).toBe('fine-42');
    expect(direct.imageShape).toEqual([32, 32, 3]);
    expect([0, 1, 2].map((i) => direct.validation.images[i * 3072 + 5])).toEqual([99, 0, 42]);
    for (const place2 of [join(place, 'data'), await pack(folder, join(place, 'a.tgz'))])
      expect(isDeepStrictEqual(await load('cifar100', place2), direct)).toBe(true);
  });

  it('reads image folders of 32 x 32 pixels too, and no others', async () => {
    const folder = join(place, 'data');
    for (const split of ['train', 'test'])
      for (const name of ['a', 'b']) write(join(folder, split, name, 'x.png'), await png(7, 32, 32));
    expect((await load('cifar100', folder)).classNames).toEqual(['a', 'b']);
    write(join(folder, 'test/b/y.png'), await png(7, 32, 31));
    await expect(load('cifar100', folder)).rejects.toThrow(/test\/b\/y\.png in .* is 32 x 31 pixels/);
  });

  it.each([
    [
      'a label above 99',
      () => writeBinary(place, [5, 100]),
      /train\.bin in .* has label 100 in record 1; labels are 0/,
    ],
    [
      'a record cut off',
      () => {
        writeBinary(place, [5]);
        write(join(place, 'test.bin'), Buffer.alloc(3073));
        return place;
      },
      /test\.bin in .* has 3073 bytes, not a multiple of 3074/,
    ],
    [
      'a file that is missing',
      () => {
        rmSync(join(writeBinary(place, [5]), 'fine_label_names.txt'));
        return place;
      },
      /fine_label_names\.txt is missing from/,
    ],
    [
      "CIFAR-10's files",
      () => dirname(write(join(place, 'test_batch.bin'), Buffer.alloc(3073))),
      /holds neither the official binary files nor image folders/,
    ],
  ])('is refused with %s', async (_, make, message) => {
    await expect(load('cifar100', make())).rejects.toThrow(message);
  });
});
