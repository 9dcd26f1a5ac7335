import type { Readable } from 'node:stream';

/** A server's response; its body has not been read yet. */
export interface Answer {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
}

/** Requests a URL. Rejects when there is no response or `signal` is aborted, which also ends a response in progress. */
export type Opener = (url: URL, headers: Record<string, string>, signal: AbortSignal) => Promise<Answer>;

const maxRedirects = 5;

/** A GET, over HTTPS only, through the proxy given by HTTPS_PROXY and NO_PROXY (Node 20's own client ignores them). */
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

/** Opens its own connection, which is closed with the body. */
async function getOnce(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  const { EnvHttpProxyAgent, request } = await import('undici'); // takes 100 ms to load
  const dispatcher = new EnvHttpProxyAgent({
    httpsProxy: proxyAddress(process.env.HTTPS_PROXY || process.env.https_proxy),
  });
  const close = () => void dispatcher.destroy();
  try {
    const answer = await Promise.race([request(url, { dispatcher, headers, signal }), rejection(signal)]);
    answer.body.once('close', close).on('error', () => {}); // destroying an unread body emits an error
    return answer;
  } catch (error) {
    close();
    throw error;
  }
}

/** Rejects when the signal is aborted: undici reacts to it only once it has passed the proxy. */
function rejection(signal: AbortSignal): Promise<never> {
  const rejects = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  rejects.catch(() => {}); // the response may have come first
  return rejects;
}

/** As in curl, the scheme is http unless given. */
function proxyAddress(proxy: string | undefined): string | undefined {
  return proxy && !proxy.includes('://') ? `http://${proxy}` : proxy;
}
