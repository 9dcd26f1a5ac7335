import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { ClrError } from '../errors.js';
import type { Layout } from './layout.js';
import { maxBytes, memberOf } from './members.js';
import type { SourceFile } from './source-file.js';

/** Limit for the zeros that fill an archive's last record: 2048 blocks, GNU tar's largest record in common use. */
const maxPaddingBytes = 1 << 20;

/**
 * The files of a data set in a .tar or .tar.gz (recognised by content), read in one pass and in memory: nothing is
 * written to disk. Throws ClrError('data') if it is not an archive, is cut off or too large, or holds links or paths
 * that lead out of it.
 */
export async function* archiveFiles(archive: string, layout: Layout): AsyncGenerator<SourceFile> {
  const ready: SourceFile[] = [];
  const seen = new Set<string>();
  const problems: unknown[] = [];
  let complete = false;
  // A ratio of 0 refuses whatever the parser would unpack by itself: an archive compressed twice.
  const parser = new Parser({ strict: true, brotli: false, zstd: false, maxDecompressionRatio: 0 });
  const take = (entry: ReadEntry) => {
    try {
      collect(archive, layout, entry, seen, ready);
    } catch (error) {
      problems.push(error);
      entry.resume();
    }
  };
  parser.on('entry', take).on('ignoredEntry', take);
  parser.on('eof', () => {
    complete = true;
  });
  parser.on('error', (error) => problems.push(damaged(archive, error)));

  let total = 0;
  let padding = 0; // bytes after the end mark, read only to verify gzip's checksum; the parser would buffer all of them
  for await (const chunk of unpacked(archive)) {
    total += chunk.length;
    if (complete) padding += chunk.length;
    if (total > layout.archiveBytes) throw refused(archive, `unpacks to more than ${layout.archiveBytes} bytes`);
    if (padding > maxPaddingBytes)
      throw refused(archive, `has more than ${maxPaddingBytes} bytes after its end-of-archive marker`);
    if (complete) continue;
    parser.write(chunk); // synchronous: it puts the completed entries into `ready`
    if (problems.length > 0) throw problems[0];
    yield* ready.splice(0);
  }
  parser.end();
  if (problems.length > 0) throw problems[0];
  if (!complete) throw damaged(archive, new Error('it has no end-of-archive marker'));
  yield* ready;
}

/** Checks the entry, and puts it into `ready` once its last byte has been read. */
function collect(archive: string, layout: Layout, entry: ReadEntry, seen: Set<string>, ready: SourceFile[]): void {
  const path = entry.path.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
  const isDirectory = entry.type === 'Directory';
  const isFile = entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'ContiguousFile';
  if (!isDirectory && !isFile) throw refused(archive, `contains ${quoted(entry.path)}, which is of type ${entry.type}`);
  if (/^\/|^[A-Za-z]:|\\/.test(path) || path.split('/').includes('..'))
    throw refused(archive, `contains ${quoted(entry.path)}, a path that may lead outside the archive`);

  const member = memberOf(path, isDirectory, layout);
  if (!member) return void entry.resume();
  const limit = maxBytes(member, layout);
  if (entry.size > limit)
    throw refused(archive, `contains ${quoted(path)} of ${entry.size} bytes, more than the limit of ${limit}`);
  if (isFile && seen.size === seen.add(path).size) throw refused(archive, `contains ${quoted(path)} twice`);
  const chunks: Buffer[] = [];
  entry.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  entry.on('end', () => ready.push({ path, member, bytes: async () => Buffer.concat(chunks) }));
}

/** The archive's bytes, decompressed if they start with gzip's two magic bytes. Errors name the archive. */
async function* unpacked(archive: string): AsyncGenerator<Buffer> {
  try {
    const file = await open(archive);
    const start = Buffer.alloc(2);
    await file.read(start, 0, 2, 0).finally(() => file.close());
    const bytes = createReadStream(archive, { highWaterMark: 1 << 18 });
    const isGzip = start.readUInt16BE() === 0x1f8b;
    const stream: Readable = isGzip ? pipeline(bytes, createGunzip({ chunkSize: 1 << 18 }), () => {}) : bytes;
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    throw damaged(archive, error);
  }
}

function damaged(archive: string, cause: unknown): ClrError {
  const reason = (cause as Error).message.replace(/^TAR_\w+: /, '');
  const hint = 'copy or download it again; it must be a .tar or .tar.gz of the official files or image folders';
  return new ClrError('data', `${archive} is truncated, damaged or not an archive: ${reason}`, hint, { cause });
}

function refused(archive: string, why: string): ClrError {
  return new ClrError('data', `${archive} ${why}`, 'pack only plain files and folders with relative names');
}

/** Escapes control characters, for the terminal. */
function quoted(name: string): string {
  return JSON.stringify(name);
}
