import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import lockfile from 'proper-lockfile';
import { ClrError } from '../errors.js';
import type { DataOptions } from './dataset.js';
import { type Opener, openHttps } from './https.js';

/** A file that is known beforehand. */
export interface Download {
  url: string;
  bytes: number;
  sha256: string;
}

/** Where the file lies once it is whole. */
export function downloadPath({ url }: Download, cacheDirectory: string): string {
  return join(cacheDirectory, basename(new URL(url).pathname));
}

/** Cut connections are taken up again this often, as long as each attempt brings more of the file. */
const maxAttempts = 20;

/**
 * The path of the file in the cache directory, downloaded first unless it is there already. It gets its name only when
 * whole and checked; until then it is a `.part`, which a later call continues. Throws ClrError('data').
 */
export async function downloaded(
  wanted: Download,
  { cacheDirectory, report }: Pick<DataOptions, 'cacheDirectory' | 'report'>,
  open: Opener = openHttps,
): Promise<string> {
  const file = downloadPath(wanted, cacheDirectory);
  if ((await sizeOf(file)) === wanted.bytes) return file;
  try {
    await mkdir(dirname(file), { recursive: true });
    const release = await lock(file, report);
    try {
      if ((await sizeOf(file)) !== wanted.bytes) await fetchWhole(wanted, file, open, report);
    } finally {
      await release();
    }
  } catch (error) {
    throw unavailable(wanted, error as Error);
  }
  return file;
}

/** Waits while another process downloads the same file. */
async function lock(file: string, report: DataOptions['report']): Promise<() => Promise<void>> {
  // A lock lost, e.g. while the machine slept, is no reason to stop: the checksum finds what two writers would do.
  const options = { realpath: false, stale: 20_000, onCompromised: () => {} };
  if (await lockfile.check(file, options)) report(`another process is downloading ${basename(file)}: waiting for it`);
  return lockfile.lock(file, { ...options, retries: { forever: true, minTimeout: 500, maxTimeout: 2000 } });
}

async function fetchWhole(wanted: Download, file: string, open: Opener, report: DataOptions['report']): Promise<void> {
  const part = `${file}.part`;
  if ((await sizeOf(part)) > wanted.bytes) await rm(part);
  for (let attempt = 1; (await sizeOf(part)) < wanted.bytes; attempt++) {
    const before = await sizeOf(part);
    try {
      await fetchRest(wanted, part, before, open, report);
    } catch (error) {
      if (attempt === maxAttempts || (await sizeOf(part)) <= before) throw error;
      report(`${(error as Error).message}: going on from there`);
    }
  }
  const sha256 = await checksum(part);
  if (sha256 === wanted.sha256) return rename(part, file);
  await rm(part);
  throw new Error(`what came has the checksum ${sha256.slice(0, 12)}..., not ${wanted.sha256.slice(0, 12)}...`);
}

/** Appends to `part`, which has `start` bytes; starts over when the server does not continue from there. */
async function fetchRest(
  { url, bytes }: Download,
  part: string,
  start: number,
  open: Opener,
  report: DataOptions['report'],
): Promise<void> {
  const { statusCode, headers, body } = await open(new URL(url), start > 0 ? { range: `bytes=${start}-` } : {});
  const continues = statusCode === 206 && String(headers['content-range']).startsWith(`bytes ${start}-`);
  if (!continues && statusCode !== 200) {
    body.destroy();
    throw new Error(`the server answers ${statusCode}`);
  }
  let received = continues ? start : 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      const step = Math.floor((received * 20) / bytes);
      received += chunk.length;
      if (received > bytes) throw new Error(`the server sends more than the ${bytes} bytes expected`);
      if (Math.floor((received * 20) / bytes) > step) report(progress(url, received, bytes));
      yield chunk;
    }
  };
  try {
    await pipeline(body, counted, createWriteStream(part, { flags: continues ? 'a' : 'w', flush: true }));
  } finally {
    if (received > bytes) await rm(part, { force: true }); // no part of the file that is wanted
  }
  if (received < bytes) throw new Error(`the connection ended after ${received} of ${bytes} bytes`);
}

function progress(url: string, received: number, bytes: number): string {
  const megabytes = (n: number) => (n / 1e6).toFixed(0);
  return `downloading ${url}: ${megabytes(received)} of ${megabytes(bytes)} MB`;
}

/** 0 when there is no such file. */
async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function checksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function unavailable({ url }: Download, cause: Error): ClrError {
  const hint = `name the official archive or image folders with --data PATH or CLR_DATA, or run where ${new URL(url).host} can be reached (HTTPS_PROXY is respected)`;
  return new ClrError('data', `${url} could not be downloaded: ${cause.message}`, hint, { cause });
}
