import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClrError } from '../errors.js';
import type { PageEvents } from '../page/data.js';
import { html } from '../page/html.js';
import { app, page } from '../page/page.js';
import type { Follower } from './follower.js';

const lookEvery = 1000; // ms
const tableEvery = 5; // looks

export interface WatchOptions {
  /** 0: any free one. */
  port: number;
  title: string;
  /** The comparison of the runs as HTML. */
  table(): string;
}

/**
 * Serves the page on 127.0.0.1 only, behind a random token in its address, which keeps out other users of this machine
 * and pages of other sites. Resolves with the address once it listens.
 */
export async function serve(follower: Follower, options: WatchOptions): Promise<{ address: string; server: Server }> {
  const token = randomBytes(16).toString('hex');
  const listeners = new Set<ServerResponse>();
  const stream = eventStream(follower, listeners, options.table);
  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    '': (_, response) => send(response, 'text/html', watchPage(options.title)),
    events: (_, response) => stream.open(response),
    steps: ({ url }, response) => {
      const id = new URL(url!, 'http://localhost').searchParams.get('run') ?? '';
      const steps = follower.steps(id);
      if (steps) send(response, 'application/json', JSON.stringify(steps));
      else response.writeHead(404).end();
    },
  };
  const server = createServer((request, response) => {
    const [, given = '', route = ''] = (request.url ?? '').split('?')[0]!.split('/');
    const allowed = isLocal(request) && sameToken(given, token) && Object.hasOwn(routes, route);
    if (request.method === 'GET' && allowed) routes[route]!(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portInUse(options.port) : error);
    server.once('error', refuse).listen(options.port, '127.0.0.1', resolve);
  });
  const timer = setInterval(stream.look, lookEvery);
  server.once('close', () => clearInterval(timer));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${token}/`, server };
}

function portInUse(port: number): ClrError {
  return new ClrError('usage', `port ${port} is in use`, 'choose another with --port, or 0 for any');
}

/** False for a host name that another site points to this machine (DNS rebinding). */
function isLocal({ headers }: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');
}

function sameToken(given: string, token: string): boolean {
  return given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function watchPage(title: string): string {
  return page({
    title,
    body: html`<h1>${title}</h1>\n${app}\n<h2>Comparison</h2>\n<div id="table"></div>`,
  });
}

/** Server-sent events: each browser gets all runs when it connects, then what changes. */
function eventStream(follower: Follower, listeners: Set<ServerResponse>, table: () => string) {
  let looks = 0;
  let shown = table();
  const event = <Name extends keyof PageEvents>(name: Name, data: PageEvents[Name]) =>
    `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  return {
    open(response: ServerResponse): void {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(event('runs', follower.all()) + event('table', { html: shown }));
      listeners.add(response);
      response.once('close', () => listeners.delete(response));
    },
    look(): void {
      const { runs, grown } = follower.look();
      let news = ': alive\n\n';
      if (runs.length > 0) news += event('runs', runs);
      if (grown.length > 0) news += event('grown', grown);
      const latest = looks++ % tableEvery === 0 ? table() : shown;
      if (latest !== shown) news += event('table', { html: latest });
      shown = latest;
      for (const response of listeners) response.write(news);
    },
  };
}
