import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { create, Header } from 'tar';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClrError } from '../errors.js';
import { normalisation } from './batches.js';
import type { Dataset, Labels, Split } from './dataset.js';
import { datasets, trainSize } from './index.js';

const scratch = mkdtempSync(join(tmpdir(), 'clr-cifar10-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let place: string; // a fresh folder for each test
let cacheDirectory: string;
let reports: string[];
beforeEach(() => {
  place = mkdtempSync(join(scratch, 'test-'));
  cacheDirectory = join(place, 'cache');
  reports = [];
});

function load(path: string, options = {}, seed = 1): Promise<Dataset> {
  const data = { path, cacheDirectory, seed, report: (message: string) => void reports.push(message) };
  return datasets.create({ type: 'cifar10', ...options }, data);
}

async function errorOf(promise: Promise<unknown>): Promise<ClrError> {
  return promise.then(
    () => expect.fail('nothing was thrown'),
    (error) => error,
  );
}

/** Like toEqual, which takes seconds for arrays of this size. */
function expectSame(actual: Dataset, expected: Dataset): void {
  expect(isDeepStrictEqual(actual, expected)).toBe(true);
}

/** The one-line data error of loading `path`; no file may be left in the cache. */
async function refusal(path: string): Promise<string> {
  const error = await errorOf(load(path));
  expect(error.kind, String(error.stack)).toBe('data');
  expect(error.message).not.toContain('\n');
  expect(error.hint).toBeTruthy();
  expect(readdirSync(place)).not.toContain('cache');
  return error.message;
}

function write(path: string, content: Buffer | string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Six tiny batches; image i of a batch has label i % 10, and its pixel p of channel c is (i + c * 50 + p) % 256. */
function writeBatches(folder: string, recordsEach = 20): string {
  for (const name of ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch']) {
    const records = Array.from({ length: recordsEach }, (_, i) => [
      i % 10,
      ...Array.from({ length: 3072 }, (_, p) => (i + Math.floor(p / 1024) * 50 + (p % 1024)) % 256),
    ]);
    write(join(folder, `${name}.bin`), Buffer.from(records.flat()));
  }
  const names = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
  write(join(folder, 'batches.meta.txt'), `${names.join('\n')}\n\n`);
  return folder;
}

/** [32, 32, 3] with every pixel (red, its row, its column). */
function pixels(red: number): Buffer {
  return Buffer.from(Array.from({ length: 1024 }, (_, p) => [red, Math.floor(p / 32), p % 32]).flat());
}

function image(red: number): Sharp {
  return sharp(pixels(red), { raw: { width: 32, height: 32, channels: 3 } });
}

/** Two classes, two training images and one test image each; red tells them apart: 10, 11, 12 cats; 20, 21, 22 dogs. */
async function writeImages(folder: string): Promise<string> {
  const reds = { 'train/cat/a.png': 10, 'train/cat/b.png': 11, 'test/cat/c.png': 12 };
  const more = { 'train/dog/a.png': 20, 'train/dog/b.png': 21, 'test/dog/c.png': 22 };
  for (const [path, red] of Object.entries({ ...reds, ...more }))
    write(join(folder, path), await image(red).png().toBuffer());
  return folder;
}

async function pack(folder: string, file: string, gzip = true): Promise<string> {
  await create({ file, gzip, cwd: folder }, ['.']);
  return file;
}

/** Batches with one file changed. */
function damage(name: string, change: (file: string) => void): string {
  const folder = writeBatches(join(place, 'data'));
  change(join(folder, name));
  return folder;
}

describe('the official batches', () => {
  it('are read with their pixels interleaved, from a folder, its parent and an archive alike', async () => {
    const folder = writeBatches(join(place, 'data/cifar-10-batches-bin'));
    const direct = await load(folder);
    expect(direct.classNames).toHaveLength(10);
    expect(direct.train.labels).toHaveLength(100);
    expect(direct.validation.labels).toHaveLength(20);
    expect([...direct.train.labels.slice(0, 12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    expect([...direct.train.images.slice(3072, 3078)]).toEqual([1, 51, 101, 2, 52, 102]); // image 1
    expectSame(await load(join(place, 'data')), direct);
    expectSame(await load(await pack(join(place, 'data'), join(place, 'named.zip'))), direct); // recognised by content
    expectSame(await load(await pack(folder, join(place, 'flat.tar'), false)), direct);
  });

  it('are refused with the name of the file that is missing', async () => {
    const folder = damage('data_batch_3.bin', rmSync);
    expect(await refusal(folder)).toBe(`data_batch_3.bin is missing from ${folder}`);
  });

  it('are refused when a record is cut off', async () => {
    const folder = damage('data_batch_2.bin', (file) => truncateSync(file, 3073 * 7 - 1));
    expect(await refusal(folder)).toMatch(/data_batch_2\.bin in .* has 21510 bytes, not a multiple of 3073/);
  });

  it('are refused when a file is empty or larger than a batch can be', async () => {
    expect(await refusal(damage('test_batch.bin', (file) => truncateSync(file, 0)))).toContain('test_batch.bin');
    expect(await refusal(damage('test_batch.bin', (file) => truncateSync(file, 30_733_073)))).toMatch(/more than/);
  });

  it('are refused when a label is above 9', async () => {
    const folder = damage('data_batch_5.bin', (file) => {
      const bytes = readFileSync(file);
      bytes[3073 * 4] = 10;
      writeFileSync(file, bytes);
    });
    expect(await refusal(folder)).toMatch(/data_batch_5\.bin in .* has label 10 in record 4; labels are 0 to 9/);
  });

  it('are refused when the list of classes is not ten long', async () => {
    const folder = damage('batches.meta.txt', (file) => writeFileSync(file, 'cat\ndog\n'));
    expect(await refusal(folder)).toMatch(/batches\.meta\.txt in .* names 2 classes, not 10/);
  });
});

describe('image folders', () => {
  it('give labels by sorted class name and images by sorted path, from a folder, its parent and an archive alike', async () => {
    const folder = await writeImages(join(place, 'data/images'));
    write(join(folder, 'train/cat/.hidden.png'), 'no image');
    write(join(folder, 'README.md'), 'about');
    const direct = await load(folder);
    expect(direct.classNames).toEqual(['cat', 'dog']);
    expect(direct.imageShape).toEqual([32, 32, 3]);
    expect([...direct.train.labels]).toEqual([0, 0, 1, 1]);
    expect(direct.train.images).toEqual(new Uint8Array(Buffer.concat([10, 11, 20, 21].map(pixels))));
    expect(direct.validation.images).toEqual(new Uint8Array(Buffer.concat([12, 22].map(pixels))));
    expectSame(await load(join(place, 'data')), direct);
    expectSame(await load(await pack(folder, join(place, 'flat.tgz'))), direct);
    expectSame(await load(await pack(join(place, 'data'), join(place, 'nested.tar'), false)), direct);
  });

  it('may hold palette images and JPEG files', async () => {
    const folder = await writeImages(join(place, 'data'));
    const flat = sharp({ create: { width: 32, height: 32, channels: 3, background: '#0a0b0c' } });
    write(join(folder, 'train/cat/a.png'), await flat.clone().png({ palette: true }).toBuffer());
    write(join(folder, 'train/cat/b.JPG'), await flat.clone().jpeg({ quality: 100 }).toBuffer());
    const { train } = await load(folder);
    expect([...train.images.slice(0, 3)]).toEqual([10, 11, 12]);
    expect(train.labels).toHaveLength(5);
  });

  const flat = (channels: 3 | 4) => sharp({ create: { width: 32, height: 32, channels, background: 'red' } });
  const unusable: [string, () => Promise<Buffer>, RegExp][] = [
    ['of another size', () => image(1).resize(31, 32).png().toBuffer(), /is 31 x 32 pixels/],
    ['grey', () => image(1).toColourspace('b-w').png().toBuffer(), /is a greyscale image/],
    ['grey, as JPEG', () => image(1).toColourspace('b-w').jpeg().toBuffer(), /is a greyscale image/],
    ['transparent', () => flat(4).png().toBuffer(), /has an alpha channel/],
    [
      'transparent, with a palette',
      () =>
        sharp({ create: { width: 32, height: 32, channels: 4, background: '#f008' } })
          .png({ palette: true })
          .toBuffer(),
      /has an alpha channel/,
    ],
    ['16-bit', () => image(1).toColourspace('rgb16').png().toBuffer(), /has 16 bits per channel/],
    ['CMYK', () => image(1).toColourspace('cmyk').jpeg().toBuffer(), /has the colour space cmyk/],
    ['animated', async () => animated(await image(1).png().toBuffer()), /is animated/],
    ['a GIF by content', () => flat(3).gif().toBuffer(), /is in fact a gif/],
    ['cut off', async () => (await image(1).png().toBuffer()).subarray(0, 60), /is not a readable image/],
    ['not an image', async () => Buffer.from('hello'), /is not a readable image/],
    ['empty', async () => Buffer.alloc(0), /is not a readable image/],
  ];
  it.each(unusable)('are refused when an image is %s', async (_, make, complaint) => {
    const folder = await writeImages(join(place, 'data'));
    write(join(folder, 'test/dog/odd.png'), await make());
    const message = await refusal(folder);
    expect(message).toMatch(complaint);
    expect(message).toContain(`test/dog/odd.png in ${folder}`);
  });

  it('are refused when a class folder is empty', async () => {
    const folder = await writeImages(join(place, 'data'));
    for (const split of ['train', 'test']) mkdirSync(join(folder, split, 'emu'));
    for (const path of [folder, await pack(folder, join(place, 'empty-class.tar.gz'))])
      expect(await refusal(path)).toContain('the class folder train/emu contains no .png or .jpg file');
  });

  it('are refused when train and test have different classes', async () => {
    const folder = await writeImages(join(place, 'data'));
    rmSync(join(folder, 'test/dog'), { recursive: true });
    expect(await refusal(folder)).toMatch(/only in train\/: dog/);
    rmSync(join(folder, 'train'), { recursive: true });
    expect(await refusal(folder)).toMatch(/train\/ has no class folders/);
  });
});

/** An animation-control chunk (its checksum left out) before the pixels, as in an animated PNG. */
function animated(png: Buffer): Buffer {
  const chunk = Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from('acTL'), Buffer.alloc(12)]);
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

describe('a source', () => {
  it('is refused if absent, a device, a folder of other things, or two data sets', async () => {
    expect(await refusal(join(place, 'absent'))).toContain('absent does not exist');
    expect(await refusal('/dev/null')).toBe('/dev/null is neither a file nor a folder');
    expect(await refusal(place)).toMatch(/holds neither the official binary files nor image folders/);
    await writeImages(join(place, 'two/a'));
    writeBatches(join(place, 'two/b'), 1);
    expect(await refusal(join(place, 'two'))).toMatch(/holds more than one data set \(in b, a\)/);
  });

  it('is refused if it is a file but no archive, is empty, or is packed twice', async () => {
    expect(await refusal(write(join(place, 'page.tar.gz'), '<html>'.repeat(200)))).toMatch(
      /page\.tar\.gz is .*not an archive/,
    );
    expect(await refusal(write(join(place, 'empty.tar.gz'), ''))).toMatch(/empty\.tar\.gz is truncated/);
    const once = await pack(writeBatches(join(place, 'data'), 1), join(place, 'once.tar.gz'));
    expect(await refusal(write(join(place, 'twice.tar.gz'), gzipSync(readFileSync(once))))).toMatch(
      /twice\.tar\.gz is/,
    );
  });

  it('is refused if it is an archive cut off anywhere, compressed or not', async () => {
    const folder = await writeImages(join(place, 'data'));
    for (const gzip of [true, false]) {
      const whole = readFileSync(await pack(folder, join(place, 'whole'), gzip));
      for (const part of [0.1, 0.5, 0.9]) {
        const cut = write(
          join(place, 'cut'),
          whole.subarray(0, Math.floor(((whole.length - 1024) * part) / 512) * 512),
        );
        expect(await refusal(cut)).toMatch(/cut is truncated, damaged or not an archive/);
      }
    }
  });

  it('is refused if it is an archive with links, absolute names or names that lead out of it', async () => {
    const folder = await writeImages(join(place, 'data'));
    symlinkSync('/etc/passwd', join(folder, 'train/cat/link.png'));
    expect(await refusal(await pack(folder, join(place, 'links.tar.gz')))).toMatch(
      /link\.png", which is of type SymbolicLink/,
    );
    for (const path of ['../train/cat/x.png', '/train/cat/x.png', 'train/../../x.png', 'train\\..\\x.png'])
      expect(await refusal(write(join(place, 'odd.tar'), tarEntry(path, 'x')))).toMatch(
        /a path that may lead outside the archive/,
      );
  });

  it('is refused if it is an archive with one file twice', async () => {
    const once = tarEntry('train/cat/x.png', await image(1).png().toBuffer());
    const twice = Buffer.concat([once.subarray(0, -1024), once]);
    expect(await refusal(write(join(place, 'twice.tar'), twice))).toMatch(/contains "train\/cat\/x\.png" twice/);
  });

  it('is refused if a name holds control characters, which are shown escaped', async () => {
    const folder = await writeImages(join(place, 'data'));
    write(join(folder, 'train/cat/\u001b[2J\n.png'), await image(1).png().toBuffer());
    expect(await refusal(folder)).toContain('"train/cat/\\u001b[2J\\n.png"');
  });

  it('is accepted with a dangling link beside the data, but not within', async () => {
    const folder = await writeImages(join(place, 'data'));
    symlinkSync('/nowhere', join(folder, 'old'));
    expect((await load(folder)).train.labels).toHaveLength(4);
    symlinkSync('/nowhere', join(folder, 'train/cat/z.png'));
    await expect(load(folder)).rejects.toThrow(/train\/cat\/z\.png does not exist/);
  });

  it('is refused if it is an archive with a file larger than its kind can be', async () => {
    const huge = tarEntry('train/cat/x.png', Buffer.alloc((1 << 20) + 1));
    expect(await refusal(write(join(place, 'huge.tar.gz'), gzipSync(huge)))).toMatch(/x\.png" of 1048577 bytes/);
  });
});

/** An archive with one file, under a name that tar itself would not write. */
function tarEntry(path: string, content: Buffer | string): Buffer {
  const header = new Header({ path, size: content.length, type: 'File', mode: 0o644, mtime: new Date(0) });
  header.encode();
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.set(Buffer.from(content));
  return Buffer.concat([header.block!, body, Buffer.alloc(1024)]);
}

describe('the cache', () => {
  it('serves the second load', async () => {
    const archive = await pack(await writeImages(join(place, 'data')), join(place, 'a.tar.gz'));
    const first = await load(archive);
    reports = [];
    expect(readdirSync(cacheDirectory)).toEqual([expect.stringMatching(/^cifar10-[0-9a-f]{16}\.images$/)]);
    expectSame(await load(archive), first);
    expect(reports).toEqual([]);
  });

  it('is rebuilt, with a message, when a byte has changed or the end is missing', async () => {
    const folder = await writeImages(join(place, 'data'));
    const first = await load(folder);
    const file = join(cacheDirectory, readdirSync(cacheDirectory)[0]!);
    const whole = readFileSync(file);
    const flipped = Buffer.from(whole);
    flipped[whole.length - 5]! ^= 1;
    const shape = Buffer.from(whole.toString('latin1').replace('[32,32,3]', '[32,3,32]'), 'latin1');
    expect(shape.equals(whole)).toBe(false);
    for (const damaged of [flipped, shape, whole.subarray(0, -1), whole.subarray(0, 100), Buffer.alloc(0)]) {
      reports = [];
      writeFileSync(file, damaged);
      expectSame(await load(folder), first);
      expect(reports[0]).toMatch(/cannot be used \(.*\): decoding the images again/);
      expect(readFileSync(file)).toEqual(whole);
    }
  });

  it('is not used for a source that has changed', async () => {
    const folder = await writeImages(join(place, 'data'));
    await load(folder);
    write(join(folder, 'train/cat/new.png'), await image(13).png().toBuffer());
    expect((await load(folder)).train.labels).toHaveLength(5);
    write(join(folder, 'train/cat/new.png'), await image(14).png({ compressionLevel: 0 }).toBuffer());
    expect((await load(folder)).train.images[2 * 3072]).toBe(14);
  });

  it('survives several builders at once', async () => {
    const folder = await writeImages(join(place, 'data'));
    const [first, ...others] = await Promise.all([load(folder), load(folder), load(folder)]);
    for (const other of others) expectSame(other, first);
    expect(readdirSync(cacheDirectory)).toHaveLength(1);
    reports = [];
    expectSame(await load(folder), first);
    expect(reports).toEqual([]);
  });

  it('is skipped, with a message, where it cannot be written', async () => {
    const folder = await writeImages(join(place, 'data'));
    write(cacheDirectory, 'a file in the place of the folder');
    expect((await load(folder)).train.labels).toHaveLength(4);
    expect(reports.at(-1)).toMatch(/could not be cached/);
  });
});

describe('train_limit and val_limit', () => {
  const perClass = (labels: Labels) => Array.from({ length: 10 }, (_, c) => [...labels].filter((l) => l === c).length);

  it('take equally many of each class, the same ones for the same seed', async () => {
    const folder = writeBatches(join(place, 'data'));
    const part = await load(folder, { train_limit: 53, val_limit: 10 });
    expect(perClass(part.train.labels).sort()).toEqual([5, 5, 5, 5, 5, 5, 5, 6, 6, 6]);
    expect(perClass(part.validation.labels)).toEqual(Array(10).fill(1));
    expect(part.train.images).toHaveLength(53 * 3072);
    expectSame(await load(folder, { train_limit: 53, val_limit: 10 }), part);
    const other = await load(folder, { train_limit: 53, val_limit: 10 }, 2);
    expect(isDeepStrictEqual(other, part)).toBe(false);
  });

  it('are refused above the number of images, and below 1', async () => {
    const folder = writeBatches(join(place, 'data'));
    const error = await errorOf(load(folder, { val_limit: 21 }));
    expect(error.message).toBe('val_limit is 21, but there are only 20 images');
    expect(datasets.schema.safeParse({ type: 'cifar10', train_limit: 0 }).success).toBe(false);
    expect(datasets.schema.safeParse({ type: 'cifar10', trainlimit: 5 }).success).toBe(false);
  });
});

describe('holdout', () => {
  it('validates on training images, the same ones for every seed, and trains on the others', async () => {
    const folder = writeBatches(join(place, 'data'));
    const [whole, one, two] = await Promise.all([
      load(folder),
      load(folder, { holdout: 20 }),
      load(folder, { holdout: 20 }, 2),
    ]);
    expectSame(two, one);
    expect(one.validation.labels).toHaveLength(20);
    const imagesOf = ({ images }: Split) =>
      Array.from({ length: images.length / 3072 }, (_, i) => Buffer.from(images.slice(3072 * i, 3072 * (i + 1))));
    const sorted = (splits: Split[]) => splits.flatMap(imagesOf).sort(Buffer.compare);
    expect(sorted([one.train, one.validation])).toEqual(sorted([whole.train]));
  });

  it('is applied before train_limit, and must leave images to train on', async () => {
    const folder = writeBatches(join(place, 'data'));
    const { train } = await load(folder, { holdout: 20, train_limit: 10 });
    expect(train.labels).toHaveLength(10);
    const error = await errorOf(load(folder, { holdout: 1000 }));
    expect(error.message).toMatch(/holdout is 1000, but there are only \d+ training images/);
    expect(trainSize({ type: 'cifar10', holdout: 5000 })).toBe(45_000);
    expect(trainSize({ type: 'cifar10', holdout: 5000, train_limit: 100 })).toBe(100);
  });
});

const real = process.env.CLR_TEST_DATA;
describe(`the real images${real ? '' : ' (skipped: CLR_TEST_DATA does not name them)'}`, () => {
  it.skipIf(!real)('have the known numbers and channel means', { timeout: 300_000 }, async () => {
    const { train, validation, imageShape } = await load(real!);
    expect([train.labels.length, validation.labels.length]).toEqual([50_000, 10_000]);
    const { mean } = normalisation(train, imageShape);
    for (const [c, known] of [0.49139968, 0.48215841, 0.44653091].entries())
      expect(Math.abs(mean[c]! - known)).toBeLessThan(1e-7);
    const started = performance.now();
    await load(real!);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
