import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notesOf } from '../compare/cells.js';
import { compareEach } from '../compare/comparison.js';
import { html, list, table } from '../page/html.js';
import { readRuns } from '../runs/read-runs.js';
import { someEnvironment, type WhatRan, writeRunFolder } from '../testing/run-files.js';
import { readSeries } from './series.js';
import { writeReport } from './write-report.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-report-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('HTML', () => {
  it('inserts values as text, without control characters, and its own markup as markup', () => {
    const hostile = `<script>"&'\u001b[31m\u202e`;
    expect(html`<p title="${hostile}">${hostile}</p>`.source).toBe(
      '<p title="&lt;script&gt;&quot;&amp;&#39; [31m ">&lt;script&gt;&quot;&amp;&#39; [31m </p>',
    );
    expect(html`<p>${[html`<b>${1}</b>`, '<']}</p>`.source).toBe('<p><b>1</b>&lt;</p>');
    expect(list(['<li>']).source).toContain('<li>&lt;li&gt;</li>');
    expect(html`${'x'.repeat(100_000)}`.source.length).toBeLessThan(1100);
  });

  it('right-aligns numbers, and a dash with them, but not a list of numbers', () => {
    const cells = table(['a', 'b'], [['-1.5 ± 2', '1, 2'], ['-', '3']]).source.match(/<td[^>]*>/g); // biome-ignore format: rows
    expect(cells).toEqual(['<td class="number">', '<td>', '<td class="number">', '<td>']);
    const against = table(
      ['interval', 'P(A>B)', 'p', 'folder'],
      [['[-1.2, +3.4]', '0.65 [0.44, 0.82]', '< 0.001', 'a/'.repeat(20)]],
    );
    expect(against.source.match(/<td[^>]*>/g)!.slice(0, 3)).toEqual(Array(3).fill('<td class="number">'));
    expect(against.source).toContain('<td class="long">a/');
  });
});

describe('a report', () => {
  const file = path.join(root, 'out/report.html');
  const write = (name: string, ...what: WhatRan) => writeRunFolder(path.join(root, 'runs', name), ...what);
  const momentum = (value: number) => ({ name: `momentum ${value}`, schedule: { type: 'constant', momentum: value } });
  let page = '';
  beforeAll(async () => {
    for (const seed of [1, 2, 3]) {
      write(`a${seed}`, { ...momentum(0.9), seed }, 60 + seed);
      write(`b${seed}`, { ...momentum(0.8), seed }, 60 + seed ** 2);
    }
    const resumed = [
      { iteration: 4, ...someEnvironment },
      { iteration: 6, ...someEnvironment, git: { commit: 'fedcba9876543210', dirty: true } },
    ];
    writeFileSync(path.join(root, 'runs/a2/environment.json'), JSON.stringify({ ...someEnvironment, resumed }));
    write('c', { name: 'c' }, 60, 'interrupted');
    const { comparisons, skipped } = read();
    await writeReport(file, comparisons, skipped, 'Is it <better>?');
    page = readFileSync(file, 'utf8');
  }, 60_000);
  function read(...folders: string[]) {
    const { runs, skipped } = readRuns((folders.length > 0 ? folders : ['runs']).map((name) => path.join(root, name)));
    return { comparisons: compareEach(undefined, runs, {}), skipped };
  }

  it('has a heading, the sentence of clr compare, each run, each setting, and what was left out', () => {
    expect(page).toContain('<h1>Is it &lt;better&gt;?</h1>');
    expect(page).toContain(notesOf(read().comparisons[0]!).sentences[0]);
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']) expect(page).toContain(`/runs/${name}</td></tr>`);
    expect(page).toContain('<td>schedule.momentum</td><td class="number">0.8</td>');
    expect(page).toContain('<li>schedule.type: constant</li>');
    expect(page).toContain('<td>interrupted</td>');
    expect(page).toContain('Every file of the runs above was read.');
  });

  it('says where each run ran, with a line for each different environment', () => {
    const [, section] = /<h3>momentum 0.9, the baseline<\/h3>(.*?)<\/section>/s.exec(page)!;
    expect(section).toMatch(/<td>1, 2, 3<\/td><td>wasm<\/td>.*sharp unknown<\/td><td>0123456789ab<\/td>/);
    expect(section).toMatch(/>2 from iteration 6<\/td>.*<td>fedcba987654, with uncommitted changes<\/td>/);
  });

  it('is self-contained, and holds the chart', async () => {
    expect(page).toMatch(/^<!doctype html>/);
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)!;
    expect(policy).toMatch(
      /^default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'sha256-[^' ]+'$/,
    );
    const markup = page.replace(/<script[^>]*>.*?<\/script>/gs, '');
    expect(markup).not.toMatch(/<(script|img|iframe)[^>]* src="(?!data:)|<link[^>]* href="(?!data:)|@import/);
    const [, image] = /src="data:image\/png;base64,([^"]+)"/.exec(page)!;
    expect((await sharp(Buffer.from(image!, 'base64')).metadata()).width).toBeGreaterThan(1000);
  });

  it('names a file that it cannot read, and shows the rest', async () => {
    const run = path.join(root, 'damaged');
    writeRunFolder(run, { name: 'damaged' }, 61.5);
    rmSync(path.join(run, 'environment.json'));
    writeFileSync(path.join(run, 'metrics.csv'), 'epoch\n');
    await writeReport(file, read('damaged').comparisons, []);
    const [shown, unread] = readFileSync(file, 'utf8').split('<h2>Not read</h2>') as [string, string];
    expect(shown).toContain('<td class="number">61.50</td>');
    expect(unread).toMatch(/metrics.csv: it has no column iteration<\/li>\s*<li>.*environment.json: ENOENT/);
  });

  it('has a table, a baseline and a choice of charts for each question', async () => {
    write('../other/d', { name: 'longer', epochs: 7 }, 70);
    const { comparisons } = read('runs', 'other');
    expect(comparisons).toHaveLength(2);
    await writeReport(file, comparisons, []);
    const several = readFileSync(file, 'utf8');
    for (const { title, baseline } of comparisons) {
      expect(several).toContain(`<h2>Comparison: ${title}</h2>`);
      expect(several).toContain(`<h3>${baseline}, the baseline</h3>`);
    }
    const { runs } = JSON.parse(/id="data">(.*?)<\/script>/s.exec(several)![1]!) as { runs: { question: string }[] };
    expect(new Set(runs.map((run) => run.question))).toEqual(new Set(comparisons.map(({ title }) => title)));
  });

  it('has the iterations of the last seeds of each config, where it has not room for all', () => {
    for (let seed = 1; seed <= 22; seed++)
      for (const value of [0.7, 0.8]) write(`../many/${value}-${seed}`, { ...momentum(value), seed }, 60);
    const series = readSeries(read('many').comparisons[0]!, () => expect.unreachable());
    for (const { seed, steps } of series) expect(steps!.length, `seed ${seed}`).toBe(seed > 2 ? 8 : 0);
    expect(series).toHaveLength(44);
  });

  it('is refused if its file is not HTML', async () => {
    await expect(writeReport(path.join(root, 'metrics.csv'), read().comparisons, [])).rejects.toThrow(
      /a report is an HTML file/,
    );
  });
});
