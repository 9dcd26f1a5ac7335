import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, globalAgent } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { downloaded, type Pace } from './download.js';
import { type Opener, openHttps } from './https.js';

const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) >> 8));
const sha256 = createHash('sha256').update(content).digest('hex');

const never = new AbortController().signal;

let cacheDirectory: string;
let servers: Server[];
let reports: string[];
let ranges: (string | undefined)[]; // of the requests received
beforeEach(() => {
  cacheDirectory = mkdtempSync(join(tmpdir(), 'clr-download-'));
  [servers, reports, ranges] = [[], [], []];
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers) server.close().closeAllConnections();
  rmSync(cacheDirectory, { recursive: true });
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Plain HTTP, which the program itself never uses. */
const openHttp: Opener = (url, headers, signal) =>
  new Promise((resolve, reject) => {
    const answer = (body: IncomingMessage) => resolve({ statusCode: body.statusCode!, headers: body.headers, body });
    get(url, { headers, signal }, answer).on('error', reject);
  });

async function fetchFrom(answer: RequestListener, changes = {}, more: { signal?: AbortSignal; pace?: Pace } = {}) {
  const port = await listen(
    createServer((request, response) => {
      ranges.push(request.headers.range);
      answer(request, response);
    }),
  );
  const wanted = { url: `http://127.0.0.1:${port}/a/data.tar.gz`, bytes: content.length, sha256, ...changes };
  const options = { cacheDirectory, signal: more.signal, report: (message: string) => void reports.push(message) };
  return downloaded(wanted, options, openHttp, more.pace);
}

/** Serves the content, from the start of the range asked for. */
const serve: RequestListener = (request, response) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
  response.end(content.subarray(start));
};

const part = () => join(cacheDirectory, 'data.tar.gz.part');

describe('a download', () => {
  it('is complete under its name, reported, and not repeated', async () => {
    const file = await fetchFrom(serve);
    expect(file).toBe(join(cacheDirectory, 'data.tar.gz'));
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(readdirSync(cacheDirectory)).toEqual(['data.tar.gz']);
    expect(reports.length).toBeGreaterThan(0);
    await fetchFrom(() => expect.fail('asked again'));
  });

  it('continues where an earlier one stopped', async () => {
    writeFileSync(part(), content.subarray(0, 40_000));
    expect(readFileSync(await fetchFrom(serve)).equals(content)).toBe(true);
    expect(ranges).toEqual(['bytes=40000-']);
  });

  it('starts over when the server does not support ranges', async () => {
    writeFileSync(part(), content.subarray(0, 40_000));
    const file = await fetchFrom((_, response) => response.end(content));
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it('continues by itself when the connection is cut', async () => {
    let cuts = 0;
    const file = await fetchFrom((request, response) => {
      if (cuts++ >= 2) return serve(request, response);
      const start = (cuts - 1) * 30_000;
      response.writeHead(start ? 206 : 200, {
        'content-length': content.length - start,
        'content-range': `bytes ${start}-`,
      });
      response.write(content.subarray(start, start + 30_000), () => setTimeout(() => response.destroy(), 20));
    });
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=30000-', 'bytes=60000-']);
  });

  it('fails when nothing more arrives, keeps its part, and names both ways out', async () => {
    writeFileSync(part(), content.subarray(0, 40_000));
    const failure = fetchFrom((_, response) => response.destroy());
    await expect(failure).rejects.toMatchObject({
      kind: 'data',
      hint: expect.stringMatching(/--data.*CLR_DATA.*run where/),
    });
    expect(readdirSync(cacheDirectory)).toEqual(['data.tar.gz.part']);
  });

  it('fails when the file is not there', async () => {
    const failure = fetchFrom((_, response) => response.writeHead(404).end('no such file'));
    await expect(failure).rejects.toThrow(/could not be downloaded: the server answered with status 404/);
    expect(readdirSync(cacheDirectory)).toEqual([]);
  });

  it('is deleted when its checksum is wrong', async () => {
    await expect(fetchFrom((_, response) => response.end(Buffer.alloc(content.length)))).rejects.toThrow(
      /has the checksum/,
    );
    expect(readdirSync(cacheDirectory)).toEqual([]);
  });

  it('is deleted when it is too long, even endless', async () => {
    const endless: RequestListener = (_, response) => {
      const more = () => response.write(content, (error) => error ?? more());
      more();
    };
    await expect(fetchFrom(endless)).rejects.toThrow(/sent more than the expected 100000 bytes/);
    expect(readdirSync(cacheDirectory)).toEqual([]);
  });

  const stalls: [string, RequestListener][] = [
    ['no answer', () => {}],
    ['headers, then nothing', (_, response) => response.writeHead(200).flushHeaders()],
    [
      'a byte every 20 ms',
      (_, response) => {
        const timer = setInterval(() => response.write('x'), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ];
  it.each(stalls)('fails when there is %s', async (_, answer) => {
    const started = performance.now();
    const failure = fetchFrom(answer, {}, { pace: { bytes: 1000, seconds: 0.5 } });
    await expect(failure).rejects.toThrow(
      /could not be downloaded: 127\.0\.0\.1:\d+ sent \d+ bytes in 0\.5 s, which is too/,
    );
    expect(performance.now() - started).toBeLessThan(5000);
    expect(ranges).toHaveLength(1);
  });

  it('continues after a stall late in the file', async () => {
    const file = await fetchFrom(
      (request, response) => {
        if (request.headers.range) return serve(request, response);
        response.writeHead(200).write(content.subarray(0, 60_000));
      },
      {},
      { pace: { bytes: 1000, seconds: 0.5 } },
    );
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=60000-']);
  });

  it.each(stalls)('ends with the reason of its signal at %s', async (_, answer) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 200);
    await expect(fetchFrom(answer, {}, { signal: controller.signal })).rejects.toThrow(/^enough$/);
  });

  it('ends with the reason of its signal while it waits for another process', async () => {
    writeFileSync(join(cacheDirectory, 'lock-other.machine-7-99'), '');
    writeFileSync(part(), content.subarray(0, 40_000));
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 700);
    await expect(fetchFrom(serve, {}, { signal: controller.signal })).rejects.toThrow(/^enough$/);
    expect(reports).toEqual([`process 7 on other.machine is downloading into ${cacheDirectory}: waiting for it`]);
    const old = Date.now() / 1000 - 61;
    utimesSync(part(), old, old); // nothing received for a minute
    expect(readFileSync(await fetchFrom(serve)).equals(content)).toBe(true);
  });

  it('is shared by two simultaneous callers', async () => {
    const port = await listen(
      createServer((request, response) => {
        ranges.push(request.headers.range);
        setTimeout(() => serve(request, response), 100);
      }),
    );
    const wanted = { url: `http://127.0.0.1:${port}/data.tar.gz`, bytes: content.length, sha256 };
    const one = () => downloaded(wanted, { cacheDirectory, report: () => {} }, openHttp);
    expect(new Set(await Promise.all([one(), one()])).size).toBe(1);
    expect(ranges).toHaveLength(1);
  });
});

describe('the connection', () => {
  it('is refused for anything but https', async () => {
    await expect(openHttps(new URL('http://127.0.0.1/x'), {}, never)).rejects.toThrow(
      'http://127.0.0.1/x is not https',
    );
  });

  it('bypasses the proxy where NO_PROXY says so', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9'); // nobody listens there, as on port 1
    vi.stubEnv('NO_PROXY', 'a.b, localhost');
    await expect(openHttps(new URL('https://127.0.0.1:1/x'), {}, never)).rejects.toThrow('127.0.0.1:9');
    await expect(openHttps(new URL('https://sub.localhost:1/x'), {}, never)).rejects.not.toThrow('127.0.0.1:9');
    vi.stubEnv('NO_PROXY', '*');
    await expect(openHttps(new URL('https://127.0.0.1:1/x'), {}, never)).rejects.toThrow('127.0.0.1:1');
  });

  it('reports that a proxy refuses', async () => {
    const asked: unknown[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      asked.push([request.url, request.headers['proxy-authorization']]);
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    const port = await listen(proxy);
    vi.stubEnv('HTTPS_PROXY', `http://me:s%40fe@127.0.0.1:${port}`);
    await expect(openHttps(new URL('https://example.test/x'), {}, never)).rejects.toThrow('Proxy response (407)');
    expect(asked).toEqual([['example.test:443', `Basic ${Buffer.from('me:s@fe').toString('base64')}`]]);
  });

  const openssl = spawnSync('openssl', ['version']).status === 0;
  it.skipIf(!openssl)(
    `passes through a proxy, redirects included${openssl ? '' : ' (skipped: no openssl)'}`,
    async () => {
      const [key, cert] = [join(cacheDirectory, 'key'), join(cacheDirectory, 'cert')];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
      const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
      const site = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
        if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
        else if (request.url === '/plain') response.writeHead(302, { location: 'http://localhost/new' }).end();
        else response.end(request.headers.range);
      });
      const sitePort = await listen(site as unknown as Server);
      const asked: (string | undefined)[] = [];
      const proxy = createServer().on('connect', (request, socket) => {
        asked.push(request.url);
        const onward = connect(sitePort, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
        onward.pipe(socket).pipe(onward);
      });
      vi.stubEnv('https_proxy', `127.0.0.1:${await listen(proxy)}`);
      const url = (path: string) => new URL(`https://localhost:${sitePort}${path}`);
      await expect(openHttps(url('/new'), {}, never)).rejects.toThrow(/self.signed/); // checked despite the proxy
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
      const response = await openHttps(url('/old'), { range: 'bytes=5-' }, never);
      expect(String((await response.body.toArray())[0])).toBe('bytes=5-');
      expect(asked).toEqual(Array(3).fill(`localhost:${sitePort}`));
      await expect(openHttps(url('/plain'), {}, never)).rejects.toThrow(/is not https/);
      globalAgent.destroy();
    },
  );
});

it('leaves no lock behind', async () => {
  await fetchFrom(serve);
  expect(readdirSync(cacheDirectory)).toEqual(['data.tar.gz']);
});
