import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startClr } from '../clr-process.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-downloads-'));
const config = path.join(scratch, 'config.json');
writeFileSync(config, JSON.stringify({ schedule: { type: 'constant', lr: 0.1 }, backend: 'wasm' }));
const [key, cert] = [path.join(scratch, 'key'), path.join(scratch, 'cert')];
const servers: { close(): unknown; closeAllConnections(): void }[] = [];
const sockets: Duplex[] = [];
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  rmSync(scratch, { recursive: true });
});

/** The port of a proxy that treats each CONNECT in this way. */
async function proxy(onConnect: (request: IncomingMessage, socket: Duplex) => void): Promise<number> {
  const server = createServer().on('connect', (request, socket) => {
    sockets.push(socket.on('error', () => {}));
    onConnect(request, socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** The port of a proxy behind which any site gives this answer. */
async function proxyTo(answer: RequestListener): Promise<number> {
  const site = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer);
  servers.push(site);
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  return proxy((_, socket) => {
    const onward: Socket = connect((site.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    sockets.push(onward.on('error', () => {}));
  });
}

function download(port: number) {
  const cache = mkdtempSync(path.join(scratch, 'cache-'));
  const env = {
    HTTPS_PROXY: `http://127.0.0.1:${port}`,
    NO_PROXY: '',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  };
  return startClr(['run', config, '--cache', cache, '--runs', path.join(scratch, 'runs')], { env });
}

const drip: RequestListener = (_, response) => {
  const timer = setInterval(() => response.write('x'), 2000);
  response.on('close', () => clearInterval(timer));
};
const ways: [string, () => Promise<number>][] = [
  ['does not answer', () => proxy(() => {})],
  ['lets through, to nothing', () => proxy((_, socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'))],
  ['leads to a site without headers', () => proxyTo(() => {})],
  ['leads to a site without a body', () => proxyTo((_, response) => response.writeHead(200).flushHeaders())],
  ['leads to a site that sends a byte every two seconds', () => proxyTo(drip)],
];

beforeAll(() => {
  delete process.env.CLR_DATA; // or nothing would be downloaded
  const kind = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=localhost',
  ];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert], { stdio: 'ignore' });
});

describe.each(ways)('a download through a proxy that %s', (_, make) => {
  it.concurrent('ends with one line within a minute, and at the first SIGTERM', async ({ expect }) => {
    const port = await make();
    const [slow, signalled] = [download(port), download(port)];
    const started = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 8000));
    signalled.child.kill('SIGTERM');
    const end = await signalled.ended;
    expect(performance.now() - started).toBeLessThan(14_000);
    expect(end.code).toBe(143);
    expect(end.stderr).toMatch(/\nclr: interrupted by SIGTERM\n$/);
    const { code, stderr } = await slow.ended;
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(stderr).toMatch(
      /\nclr: https:\S+ could not be downloaded: (\S+ sent \d+ bytes in 30 s, which is too slow|Connect Timeout Error.*)\n {2}hint/,
    );
    expect(code).toBe(4);
  });
});

it.each<[string, RequestListener, RegExp]>([
  [
    'redirects to http',
    (_, response) => response.writeHead(302, { location: 'http://localhost/x' }).end(),
    /is not https/,
  ],
  [
    'redirects without end',
    (_, response) => response.writeHead(302, { location: '/x' }).end(),
    /redirects more than 5 times/,
  ],
  ['has nothing there', (_, response) => response.writeHead(404).end(), /the server answered with status 404/],
  ['sends too little', (_, response) => response.end('short'), /the connection ended after 5 of \d+ bytes/],
])('a site that %s leads to one line of error', async (_, answer, message) => {
  const { code, stderr } = await download(await proxyTo(answer)).ended;
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/--debug|\n\s+at (?!operator)/);
  expect(code).toBe(4);
});
