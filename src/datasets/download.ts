import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClrError } from '../errors.js';
import { makeFolders } from '../system/atomic.js';
import { describeHolder, lockFolder, lockHolder } from '../system/lock.js';
import type { DataOptions } from './dataset.js';
import { type Opener, openHttps } from './https.js';

/** A file whose size and checksum are known beforehand. */
export interface Download {
  url: string;
  bytes: number;
  sha256: string;
}

/** Where the complete file is stored. */
export function downloadPath({ url }: Download, cacheDirectory: string): string {
  return join(cacheDirectory, basename(new URL(url).pathname));
}

/** The most connections per file: after one that was cut or too slow, another follows if it brought a part of it. */
const maxAttempts = 20;

/**
 * The path of the file in the cache directory, downloaded first if it is not there yet. It gets its name only when
 * complete and verified; until then it is a `.part`, which a later call continues. Throws ClrError('data').
 */
export async function downloaded(
  wanted: Download,
  options: Pick<DataOptions, 'cacheDirectory' | 'report' | 'signal'>,
  open: Opener = openHttps,
  pace: Pace = minPace,
): Promise<string> {
  const { cacheDirectory, signal } = options;
  const file = downloadPath(wanted, cacheDirectory);
  if ((await sizeOf(file)) === wanted.bytes) return file;
  try {
    makeFolders(cacheDirectory);
    const unlock = await lock(file, options);
    try {
      if ((await sizeOf(file)) !== wanted.bytes) await fetchWhole(wanted, file, { ...options, open, pace });
    } finally {
      unlock();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unavailable(wanted, error as Error);
  }
  return file;
}

/**
 * Waits while another process downloads. One that cannot be checked from here counts as gone after a minute without
 * new data; the checksum would detect the damage done by two writers.
 */
async function lock(file: string, { cacheDirectory, report, signal }: Waiting): Promise<() => void> {
  for (let waiting = false; ; waiting = true) {
    const holder = lockHolder(cacheDirectory);
    const takeOver = holder !== undefined && !holder.known && (await idleSeconds(`${file}.part`)) > 60;
    try {
      return lockFolder(cacheDirectory, { takeOver });
    } catch (error) {
      if (!(error instanceof ClrError && error.kind === 'usage')) throw error;
    }
    if (!waiting && holder) report(`${describeHolder(holder)} is downloading into ${cacheDirectory}: waiting for it`);
    await sleep(250 + 250 * Math.random(), undefined, { signal });
  }
}

type Waiting = Pick<DataOptions, 'cacheDirectory' | 'report' | 'signal'>;

/** Seconds since the file was last written; infinity if there is none. */
async function idleSeconds(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => (Date.now() - mtimeMs) / 1000,
    () => Number.POSITIVE_INFINITY,
  );
}

/** A server counts as stalled when fewer than `bytes` arrive in `seconds`: no answer, silence, or a trickle. */
export interface Pace {
  bytes: number;
  seconds: number;
}

const minPace: Pace = { bytes: 30_000, seconds: 30 };

/** Its signal is aborted by `outer`, or when the counted bytes arrive more slowly than `pace`. */
class Watchdog {
  private readonly controller = new AbortController();
  private received = 0;
  private readonly timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  constructor({ bytes, seconds }: Pace, host: string, outer: AbortSignal | undefined) {
    this.signal = AbortSignal.any([this.controller.signal, ...(outer ? [outer] : [])]);
    this.timer = setInterval(() => {
      const slow = `${host} sent ${this.received} bytes in ${seconds} s, which is too slow`;
      if (this.received < bytes) this.controller.abort(new Error(slow));
      this.received = 0;
    }, 1000 * seconds);
  }

  count(bytes: number): void {
    this.received += bytes;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

interface Fetching extends Waiting {
  open: Opener;
  pace: Pace;
}

async function fetchWhole(wanted: Download, file: string, options: Fetching): Promise<void> {
  const { pace, report, signal } = options;
  const part = `${file}.part`;
  if ((await sizeOf(part)) > wanted.bytes) await rm(part);
  for (let attempt = 1; (await sizeOf(part)) < wanted.bytes; attempt++) {
    const before = await sizeOf(part);
    try {
      await fetchRest(wanted, part, before, options);
    } catch (error) {
      const gained = (await sizeOf(part)) - before;
      if (signal?.aborted || attempt === maxAttempts || gained < Math.min(pace.bytes, wanted.bytes / 10)) throw error;
      report(`${(error as Error).message}: continuing from there`);
    }
  }
  const sha256 = await checksum(part);
  if (sha256 === wanted.sha256) return rename(part, file);
  await rm(part);
  throw new Error(
    `the downloaded file has the checksum ${sha256.slice(0, 12)}..., not ${wanted.sha256.slice(0, 12)}...`,
  );
}

/** Appends to `part`, which has `start` bytes; starts over when the server does not continue from there. */
async function fetchRest(
  { url, bytes }: Download,
  part: string,
  start: number,
  { open, pace, report, signal: outer }: Fetching,
): Promise<void> {
  const watchdog = new Watchdog(pace, new URL(url).host, outer);
  const { signal } = watchdog;
  let received = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      const step = Math.floor((received * 20) / bytes);
      received += chunk.length;
      watchdog.count(chunk.length);
      if (received > bytes) throw new Error(`the server sent more than the expected ${bytes} bytes`);
      if (Math.floor((received * 20) / bytes) > step) report(progress(url, received, bytes));
      yield chunk;
    }
    watchdog.stop(); // from here on only the disk takes time
  };
  try {
    const { statusCode, headers, body } = await open(
      new URL(url),
      start > 0 ? { range: `bytes=${start}-` } : {},
      signal,
    );
    const continues = statusCode === 206 && String(headers['content-range']).startsWith(`bytes ${start}-`);
    if (!continues && statusCode !== 200) {
      body.destroy();
      throw new Error(`the server answered with status ${statusCode}`);
    }
    received = continues ? start : 0;
    const file = createWriteStream(part, { flags: continues ? 'a' : 'w', flush: true });
    await pipeline(body, counted, file, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    watchdog.stop();
    if (received > bytes) await rm(part, { force: true }); // it cannot be part of the wanted file
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
