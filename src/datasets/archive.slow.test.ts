import { createWriteStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Header } from 'tar';
import { afterAll, expect, it } from 'vitest';
import { archiveFiles } from './archive.js';
import { cifar10Layout } from './cifar10.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-bomb-'));
afterAll(() => rmSync(scratch, { recursive: true }));

it('an archive of a few megabytes that unpacks to more than a gigabyte is refused, in little memory, and leaves no file', async () => {
  const file = path.join(scratch, 'bomb.tar.gz');
  const chunk = Buffer.alloc(1 << 20);
  function* content() {
    const size = 1.2 * 2 ** 30;
    const header = new Header({
      path: 'notes.txt',
      size: Math.floor(size),
      type: 'File',
      mode: 0o644,
      mtime: new Date(0),
    });
    header.encode();
    yield header.block!;
    for (let written = 0; written < size; written += chunk.length) yield chunk;
  }
  await pipeline(Readable.from(content()), createGzip({ level: 1 }), createWriteStream(file));
  expect(statSync(file).size).toBeLessThan(10_000_000);
  const before = process.memoryUsage.rss();
  const read = async () => {
    for await (const member of archiveFiles(file, cifar10Layout)) expect.fail(member.path);
  };
  await expect(read()).rejects.toThrow(/bomb\.tar\.gz unpacks to more than 1073741824 bytes/);
  expect(process.memoryUsage.rss() - before).toBeLessThan(300 * 2 ** 20);
  expect(readdirSync(scratch)).toEqual(['bomb.tar.gz']);
});

it.each([
  ['128 MiB of zeros', '', 128],
  ['an end mark and zeros without end, compressed', '.gz', 900],
])('%s are refused in seconds', async (_, ending, mebibytes) => {
  const file = path.join(scratch, `zeros.tar${ending}`);
  const zeros = Readable.from(Array.from({ length: mebibytes }, () => Buffer.alloc(1 << 20)));
  if (ending) await pipeline(zeros, createGzip({ level: 1 }), createWriteStream(file));
  else await pipeline(zeros, createWriteStream(file));
  const started = performance.now();
  const read = async () => {
    for await (const member of archiveFiles(file, cifar10Layout)) expect.fail(member.path);
  };
  await expect(read()).rejects.toThrow(/zeros\.tar\S* has more than 1048576 bytes after its end-of-archive marker/);
  expect(performance.now() - started).toBeLessThan(10_000); // the first took 166 s
  rmSync(file);
});
