import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, openPage, startBrowser } from '../browser.js';
import { type Started, startClr } from '../clr-process.js';
import { writeRunFolder } from '../run-files.js';

const hostile = '<img src=x onerror=alert(1)>';
const root = mkdtempSync(path.join(tmpdir(), 'clr-watch-'));
const runs = path.join(root, 'runs');
const run = (...args: string[]) =>
  startClr([
    'run',
    'configs/quickstart.json',
    '--backend',
    'wasm',
    '--runs',
    runs,
    '--set',
    'dataset.train_size=256',
    ...args,
  ]);

if (noBrowser) console.log(`clr watch and clr report are not tested in a browser: ${noBrowser}`);

describe.skipIf(noBrowser)('in a browser', () => {
  let browser: Browser;
  let watch: Started;
  let address: string;
  beforeAll(async () => {
    writeRunFolder(path.join(runs, 'a'), { name: 'first arm', seed: 1 }, 60);
    writeRunFolder(path.join(runs, 'b'), { name: hostile, seed: 1 }, 61);
    watch = startClr(['watch', runs]);
    address = await new Promise((resolve) =>
      watch.child.stdout!.once('data', (text: Buffer) => resolve(String(text).trim())),
    );
    browser = await startBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    watch?.child.kill('SIGTERM');
    expect((await watch.ended).code).toBe(0);
    rmSync(root, { recursive: true });
  });

  it('shows a run that starts, and its curve grows without a reload', async () => {
    const { page, problems } = await openPage(browser, address);
    await expect.poll(() => pointsOf(page, 'accuracy-chart')).toBeGreaterThan(0);
    const epochs = await pointsOf(page, 'accuracy-chart');
    const training = run('--epochs', '40');
    await page.getByText('1 running').first().waitFor({ timeout: 60_000 });
    await expect.poll(() => pointsOf(page, 'steps-chart'), { timeout: 60_000 }).toBeGreaterThan(2);
    const before = await pointsOf(page, 'steps-chart');
    await expect.poll(() => pointsOf(page, 'steps-chart'), { timeout: 20_000 }).toBeGreaterThan(before);
    await expect.poll(() => pointsOf(page, 'accuracy-chart'), { timeout: 60_000 }).toBeGreaterThan(epochs + 2);
    training.child.kill('SIGKILL');
    await training.ended;
    await page.getByText('1 interrupted').first().waitFor({ timeout: 20_000 });
    expect(problems).toEqual([]);
    await page.close();
  });

  it('hides an arm by a click on its entry, and shows it again', async () => {
    const { page, problems } = await openPage(browser, address);
    const entry = page.getByRole('button', { name: 'first arm' });
    await expect.poll(() => coloursIn(page)).toContain('#0072b2');
    await entry.click();
    await expect.poll(() => coloursIn(page)).not.toContain('#0072b2');
    expect(await entry.getAttribute('aria-pressed')).toBe('false');
    await entry.click();
    await expect.poll(() => coloursIn(page)).toContain('#0072b2');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('marks the epochs of short runs, with ticks at whole epochs', async () => {
    const { page, problems } = await openPage(browser, address);
    await page.locator('#accuracy-chart .mark-symbol path:not([opacity="0"])').first().waitFor();
    const ticks = await page.locator('#accuracy-chart [aria-label^="X-axis"] .role-axis-label text').allTextContents();
    expect(ticks.length).toBeGreaterThan(0);
    for (const tick of ticks) expect(tick).toMatch(/^\d*$/);
    const percent = await page
      .locator('#accuracy-chart [aria-label^="Y-axis"] .role-axis-label text')
      .allTextContents();
    expect(percent.length).toBeGreaterThan(0);
    for (const tick of percent) expect(tick).toMatch(/^[\d.]*$/); // not 7e+1
    expect(problems).toEqual([]);
    await page.close();
  });

  it('shows a hostile name as text', async () => {
    const { page, problems } = await openPage(browser, address);
    await page.getByRole('button', { name: hostile }).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(problems).toEqual([]);
    await page.close();
  });

  it.each([390, 1000, 1600])('fits a window of %i pixels, light and dark', async (width) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, problems } = await openPage(browser, address, { viewport: { width, height: 900 }, colorScheme });
      await page.locator('#accuracy-chart svg.marks').waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(problems).toEqual([]);
      await page.close();
    }
  });

  it('answers only requests with the token and its own host name', async () => {
    const { port, origin, pathname } = new URL(address);
    const status = (where: string, headers = {}) =>
      new Promise((resolve, reject) =>
        request(`${origin}${where}`, { headers }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end(),
      );
    expect(await status(pathname)).toBe(200);
    expect(await status('/')).toBe(404);
    expect(await status(`/${'0'.repeat(32)}/`)).toBe(404);
    expect(await status(`${pathname}constructor`)).toBe(404);
    expect(await status(pathname, { host: `attacker.example:${port}` })).toBe(404);
  });

  it('a report works from a file, interactive, and without scripts as pictures', async () => {
    const file = path.join(root, 'report.html');
    const { code, stderr } = await startClr(['report', path.join(runs, 'a'), path.join(runs, 'b'), '--out', file])
      .ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { page, problems } = await openPage(browser, `file://${file}`);
    await expect.poll(() => coloursIn(page)).toContain('#0072b2');
    await expect.poll(() => page.locator('.pictures').count()).toBe(0); // once all charts are drawn
    expect(problems).toEqual([]);
    await page.close();
    const still = await openPage(browser, `file://${file}`, { javaScriptEnabled: false });
    expect(await still.page.locator('.pictures img').isVisible()).toBe(true);
    expect(await still.page.locator('#app').isVisible()).toBe(false);
    await still.page.close();
  });
});

/** Vertices of the lines of a chart. */
async function pointsOf(page: Page, id: string): Promise<number> {
  const paths = await page
    .locator(`#${id} .mark-line path`)
    .evaluateAll((all) => all.map((one) => one.getAttribute('d')!));
  return paths.join('').split('L').length - 1;
}

async function coloursIn(page: Page): Promise<string[]> {
  const lines = page.locator('#accuracy-chart .mark-line path');
  return lines.evaluateAll((all) => all.map((one) => one.getAttribute('stroke')!.toLowerCase()));
}
