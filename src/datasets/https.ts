import type { Readable } from 'node:stream';

/** What a server answers; the body is still to come. */
export interface Answer {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
}

/** Asks for a URL. Rejects when there is no answer, or `signal` is aborted; that ends an answer under way, too. */
export type Opener = (url: URL, headers: Record<string, string>, signal: AbortSignal) => Promise<Answer>;

const maxRedirects = 5;

/** A GET over HTTPS and nothing else, through the proxy that HTTPS_PROXY and NO_PROXY name (Node 20's own client ignores them). */
export const openHttps: Opener = async (url, headers, signal) => {
  let target = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    if (target.protocol !== 'https:') throw new Error(`${target.href} is not https`);
    const answer = await getOnce(target, headers, signal);
    const { location } = answer.headers;
    if (!location || !(answer.statusCode >= 300 && answer.statusCode < 400)) return answer;
    answer.body.destroy();
    target = new URL(String(location), target);
  }
  throw new Error(`${url.href} redirects more than ${maxRedirects} times`);
};

/** On a connection of its own, closed with the body. */
async function getOnce(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  const { EnvHttpProxyAgent, request } = await import('undici'); // 100 ms
  const dispatcher = new EnvHttpProxyAgent({
    httpsProxy: proxyAddress(process.env.HTTPS_PROXY || process.env.https_proxy),
  });
  const close = () => void dispatcher.destroy();
  try {
    const answer = await Promise.race([request(url, { dispatcher, headers, signal }), rejection(signal)]);
    answer.body.once('close', close).on('error', () => {}); // emitted where an answer is turned down, too
    return answer;
  } catch (error) {
    close();
    throw error;
  }
}

/** When the signal is aborted: undici hears it only once it is through the proxy. */
function rejection(signal: AbortSignal): Promise<never> {
  const rejects = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  rejects.catch(() => {}); // an answer may have come before
  return rejects;
}

/** As curl reads it: http unless it says otherwise. */
function proxyAddress(proxy: string | undefined): string | undefined {
  return proxy && !proxy.includes('://') ? `http://${proxy}` : proxy;
}
