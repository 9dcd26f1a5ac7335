import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's Chromium, or the one that CLR_CHROMIUM names. */
export const chromiumPath = process.env.CLR_CHROMIUM ?? '/usr/bin/chromium';

/** Why there is no browser to test in; undefined: there is one. */
export const noBrowser = existsSync(chromiumPath) ? undefined : `there is no ${chromiumPath}`;

/** Headless; without a sandbox, since tests may run as root, and without Chromium's own network requests. */
export function startBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
  return chromium.launch({ executablePath: chromiumPath, args: [...args, '--disable-sync', '--no-first-run'] });
}

/** A page, and what must not happen on it: errors, warnings, requests to anywhere but `origin`. */
export async function openPage(
  browser: Browser,
  address: string,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage(options);
  const problems: string[] = [];
  const { origin } = new URL(address);
  page.on('console', (message) => {
    if (message.type() !== 'log') problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (!/^(data|blob|file):/.test(url) && !url.startsWith(`${origin}/`)) problems.push(`request to ${url}`);
  });
  await page.goto(address);
  return { page, problems };
}
