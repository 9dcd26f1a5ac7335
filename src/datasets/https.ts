import { type IncomingMessage, request as requestHttp } from 'node:http';
import { get, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';

/** Asks for a URL; the answer's body is still to come. Rejects when there is no answer. */
export type Opener = (url: URL, headers: Record<string, string>) => Promise<IncomingMessage>;

const silence = 30_000; // milliseconds without a byte until the other side counts as gone
const maxRedirects = 5;

/** A GET over HTTPS and nothing else, through the proxy that the environment names (Node 20's own client ignores it). */
export const openHttps: Opener = async (url, headers) => {
  let target = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    if (target.protocol !== 'https:') throw new Error(`${target.href} is not https`);
    const response = await getOnce(target, headers);
    const { location } = response.headers;
    if (!location || !(response.statusCode! >= 300 && response.statusCode! < 400)) return response;
    response.destroy();
    target = new URL(location, target);
  }
  throw new Error(`${url.href} redirects more than ${maxRedirects} times`);
};

async function getOnce(url: URL, headers: Record<string, string>): Promise<IncomingMessage> {
  const proxy = proxyFor(url);
  const socket = proxy && (await tunnel(proxy, url));
  const createConnection = socket && (() => connect({ socket, servername: url.hostname }));
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, timeout: silence, ...(createConnection && { createConnection }) }, resolve);
    request.on('error', reject).on('timeout', () => request.destroy(new Error(`${url.host} is silent`)));
  });
}

/** The proxy for `url` by HTTPS_PROXY and NO_PROXY (or in lower case), as curl reads them; undefined: none. */
export function proxyFor(url: URL, environment = process.env): URL | undefined {
  const proxy = environment.HTTPS_PROXY || environment.https_proxy;
  const exceptions = (environment.NO_PROXY || environment.no_proxy || '').split(',').map((host) => host.trim());
  const direct = exceptions.some(
    (host) => host === '*' || (host && `.${url.hostname}`.endsWith(`.${host.replace(/^\./, '')}`)),
  );
  return proxy && !direct ? new URL(proxy.includes('://') ? proxy : `http://${proxy}`) : undefined;
}

/** A connection to the host of `url` that the proxy passes on unread (RFC 9110, 9.3.6 CONNECT). */
function tunnel(proxy: URL, url: URL): Promise<Socket> {
  const path = `${url.hostname}:${url.port || 443}`;
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const headers = {
    host: path,
    ...(proxy.username && { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
  };
  const { hostname, port } = proxy;
  const request = proxy.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port: port || undefined, method: 'CONNECT', path, headers, timeout: silence });
    asked.on('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} answers ${statusCode}`));
    });
    asked.on('error', (error) => reject(new Error(`the proxy ${proxy.host} cannot be reached: ${error.message}`)));
    asked.on('timeout', () => asked.destroy(new Error('silent')));
    asked.end();
  });
}
