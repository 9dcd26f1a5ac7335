import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Random, randomStream } from '../../random.js';
import { printable } from '../../system/printable.js';
import { runClr } from '../clr-process.js';
import { filesBelow } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-damaged-'));
const runs = path.join(scratch, 'runs');
const outside = path.join(scratch, 'outside.txt');
afterAll(() => rmSync(scratch, { recursive: true }));

type Command = 'plot' | 'compare' | 'epochs' | 'iterations';
type Damage = (run: string, random: Random) => void;
const file = (name: string, change: (text: string, random: Random) => string): Damage => {
  return (run, random) => {
    const target = path.join(run, name);
    writeFileSync(target, change(readFileSync(target, 'utf8'), random));
  };
};
const removed = (name: string): Damage => {
  return (run) => rmSync(path.join(run, name));
};
const cut = (text: string, random: Random) => text.slice(0, random.integer(1, text.length - 3));
const rows = (change: (cells: string[]) => string[]) => (text: string, random: Random) => {
  const lines = text.trimEnd().split('\n');
  const row = random.integer(1, lines.length - 1);
  lines[row] = change(lines[row]!.split(',')).join();
  return `${lines.join('\n')}\n`;
};
const garbage = (_: string, random: Random) =>
  String.fromCharCode(...Array.from({ length: 300 }, () => random.integer(0, 255)));
const json = (change: (tree: Record<string, unknown>) => unknown) => (text: string) =>
  JSON.stringify(change(JSON.parse(text)));
const replaced = (name: string, make: (target: string) => void): Damage => {
  return (run) => {
    rmSync(path.join(run, name));
    make(path.join(run, name));
  };
};

/** [the damage, the commands that then cannot use the run]; `epochs`, `iterations`: those that need
 * the rows of metrics.csv, of iterations.csv. */
const damages: [Damage, Command[]][] = [
  [removed('config.json'), ['plot', 'compare']],
  [file('config.json', cut), ['plot', 'compare']],
  [file('config.json', garbage), ['plot', 'compare']],
  [file('config.json', () => '[]'), ['plot', 'compare']],
  [file('config.json', () => `${'['.repeat(1e6)}`), ['plot', 'compare']],
  [
    file(
      'config.json',
      json((tree) => ({ ...tree, name: { toString: 1 }, seed: '\u001b[2J' })),
    ),
    ['plot', 'compare'],
  ],
  [replaced('config.json', (target) => symlinkSync('/dev/zero', target)), ['plot', 'compare']],
  [removed('metrics.csv'), ['plot', 'epochs']],
  [file('metrics.csv', (text) => text.slice(0, 10)), ['plot', 'epochs']],
  [file('metrics.csv', garbage), ['plot', 'epochs']],
  [file('metrics.csv', (text) => text.replace('val_acc', '\u001b[31mval_acc')), ['plot', 'epochs']],
  [replaced('metrics.csv', (target) => mkdirSync(target)), ['plot', 'epochs']],
  [removed('iterations.csv'), ['iterations']], // plot then draws a point per epoch
  [
    file(
      'iterations.csv',
      rows((cells) => cells.slice(1)),
    ),
    ['plot', 'iterations'],
  ],
  [
    file(
      'iterations.csv',
      rows(([, ...cells]) => ['<img src=x onerror=alert(1)>', ...cells]),
    ),
    ['plot', 'iterations'],
  ],
  [replaced('iterations.csv', (target) => execFileSync('mkfifo', [target])), ['plot', 'iterations']],
  [replaced('iterations.csv', (target) => symlinkSync('nowhere', target)), ['plot', 'iterations']],
  [replaced('curves.png', (target) => mkdirSync(target)), ['plot']],
];
/** Runs that every command can use, whatever their files hold. */
const hostile: Damage[] = [
  () => {},
  file(
    'config.json',
    json((tree) => ({ ...tree, name: '<script>alert(1)</script> & \u001b]0;pwned\u0007\u202e' })),
  ),
  file(
    'config.json',
    json((tree) => ({ ...tree, name: 'x'.repeat(100_000) })),
  ),
  file(
    'iterations.csv',
    rows((cells) => [...cells.slice(0, 4), 'NaN']),
  ),
  file(
    'iterations.csv',
    rows((cells) => [...cells.slice(0, 4), '1e308']),
  ),
  file('iterations.csv', (text) => `${text}9999,7,0.`), // an incomplete row at the end
  replaced('lr-momentum.png', (target) => symlinkSync(outside, target)),
];
const good = 20;
const bad = 180;
const places: Record<Command | 'good', string[]> = { good: [], plot: [], compare: [], epochs: [], iterations: [] };

beforeAll(async () => {
  writeFileSync(outside, 'untouched');
  const config = {
    epochs: 2,
    batch_size: 16,
    dataset: { type: 'synthetic', train_size: 64, val_size: 20 },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'clr-beta', max_lr: 0.1 },
    backend: 'wasm',
  };
  writeFileSync(path.join(scratch, 'config.json'), JSON.stringify(config));
  const { code } = await runClr(['run', path.join(scratch, 'config.json'), '--runs', path.join(scratch, 'whole')]);
  expect(code).toBe(0);
  const whole = path.join(scratch, 'whole/1');
  rmSync(path.join(whole, 'checkpoints'), { recursive: true });
  mkdirSync(runs);
  const random = randomStream(1, 'shuffle');
  for (let i = 0; i < good + bad; i++) {
    const odd = i % 50 === 7 ? '\u001b[31mred' : i % 50 === 8 ? '<b>' : '';
    const run = path.join(runs, `${i}${odd}`);
    cpSync(whole, run, { recursive: true });
    file(
      'config.json',
      json((tree) => ({ ...tree, seed: i })),
    )(run, random);
    for (const name of filesBelow(run).filter((n) => /lr-momentum|loss-vs-lr/.test(n) && i >= good))
      rmSync(path.join(run, name));
    const [damage, spoilt] = i < good ? [hostile[i % hostile.length]!, []] : damages[i % damages.length]!;
    damage(run, random);
    if (spoilt.length === 0) places.good.push(run);
    for (const command of spoilt) places[command].push(run);
  }
}, 300_000);

/** The lines of an output, which must hold nothing that a terminal would obey. */
function linesOf(text: string): string[] {
  expect(printable(text.replaceAll('\n', '')), 'control characters').toBe(text.replaceAll('\n', ''));
  return text.trimEnd().split('\n');
}

it('clr plot draws every good one of 200 run folders and names every bad one with its reason', async () => {
  const { code, stdout, stderr } = await runClr(['plot', '--each', runs]);
  const [drawn, named] = [linesOf(stdout), linesOf(stderr)];
  for (const run of places.good)
    for (const chart of ['lr-momentum', 'loss-vs-lr', 'curves']) {
      expect(drawn).toContain(printable(path.join(run, `${chart}.png`)));
      const { width } = await sharp(path.join(run, `${chart}.png`)).metadata();
      expect(width).toBeGreaterThan(500);
    }
  const byEpoch = places.iterations.filter((run) => !places.plot.includes(run)); // without iterations.csv
  for (const run of byEpoch)
    for (const chart of ['lr-momentum', 'curves']) expect(drawn).toContain(printable(path.join(run, `${chart}.png`)));
  expect(drawn).toHaveLength(3 * places.good.length + 2 * byEpoch.length);
  expect(places.plot.length + byEpoch.length).toBe(bad);
  for (const run of places.plot) {
    const lines = named.filter((line) =>
      new RegExp(`^clr: .*${path.sep}${escaped(path.basename(run))}[/:]`).test(line),
    );
    expect(lines, run).toHaveLength(1);
    expect(lines[0]!.length, lines[0]).toBeLessThan(500);
  }
  expect(code).toBe(4);
  expect(readFileSync(outside, 'utf8')).toBe('untouched');
  expect(readdirSync(scratch).sort()).toEqual(['config.json', 'outside.txt', 'runs', 'whole']);
}, 600_000);

it('clr compare counts every run that it can read and names every other one with its reason', async () => {
  const { code, stdout, stderr } = await runClr(['compare', runs, '--json']);
  const named = linesOf(stderr);
  linesOf(stdout);
  const questions = JSON.parse(stdout) as { rows: { n: number }[] }[];
  const configs = questions.flatMap(({ rows }) => rows);
  expect(configs.reduce((sum, { n }) => sum + n, 0)).toBe(good + bad - places.compare.length);
  for (const run of places.compare)
    expect(
      named.filter((line) => line.includes(`${path.sep}${printable(path.basename(run))}:`)),
      run,
    ).toHaveLength(1);
  expect(named).toHaveLength(places.compare.length);
  expect(code).toBe(0);
}, 600_000);

it('clr report shows every readable run and names every other one and every missing file, in inert HTML', async () => {
  const page = path.join(scratch, 'report.html');
  const { code, stdout, stderr } = await runClr(['report', runs, '--out', page]);
  expect([code, stdout]).toEqual([0, `${page}\n`]);
  expect(linesOf(stderr)).toHaveLength(places.compare.length);
  const html = readFileSync(page, 'utf8');
  const [, own] = /<script>(.*)<\/script>/s.exec(html)!; // whose digest the policy names
  const markup = html.replace(own!, '').replace(/<style>.*?<\/style>/s, '');
  linesOf(markup);
  expect(markup.replaceAll(/data:image\/png;base64,[^"]*/g, '')).not.toMatch(
    /<script>[^<]|<b>|<img src=x|src="[^"]|href="(?!data:,")|url\(/i,
  );
  const [shown, left, unread] = html.split(/<h2>(?:Left out|Not read)<\/h2>/) as [string, string, string];
  const holds = (part: string, run: string, end: string) =>
    part.includes(`${path.sep}${entities(path.basename(run))}${end}`);
  for (const run of readdirSync(runs).map((name) => path.join(runs, name))) {
    const bad = places.compare.includes(run);
    const row = shown.split('<tr>').find((part) => holds(part, run, '</td>'));
    if (bad)
      expect(row ?? '', run).not.toContain('<td>completed</td>'); // it may be listed as interrupted
    else expect(row, run).toBeDefined();
    expect(holds(left, run, ': '), run).toBe(bad);
    if (places.epochs.includes(run)) expect(holds(unread, run, ': '), run).toBe(true);
    else if (!places.iterations.includes(run)) expect(holds(unread, run, ': '), run).toBe(false);
  }
  rmSync(page);
}, 600_000);

it.each([
  ['epoch', 2, () => [...places.compare, ...places.epochs]],
  ['run', 1, () => places.compare],
])(
  'clr export --per %s has the rows of every run that it can read, and names every other one',
  async (per, rowsEach, bad) => {
    const { code, stdout, stderr } = await runClr(['export', runs, '--per', per, '--format', 'json']);
    const named = linesOf(stderr);
    linesOf(stdout);
    const records = JSON.parse(stdout) as { run: string; name: string; val_acc: number }[];
    const found = readdirSync(runs).map((name) => path.join(runs, name));
    for (const run of found) {
      const isBad = bad().includes(run);
      expect(
        records.filter((record) => record.run === printable(run)),
        run,
      ).toHaveLength(isBad ? 0 : rowsEach);
      const lines = named.filter((line) => line.startsWith(`left out ${printable(run)}: `));
      expect(lines, run).toHaveLength(isBad ? 1 : 0);
    }
    expect(named).toHaveLength(bad().length);
    expect(code).toBe(0);
    const csv = await runClr(['export', runs, '--per', per]);
    const table = parse(csv.stdout) as string[][];
    expect(table.slice(1).map(([run]) => run)).toEqual(records.map(({ run }) => run));
  },
  600_000,
);

function entities(name: string): string {
  return printable(name).replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function escaped(name: string): string {
  return printable(name).replaceAll(/[[\]().*+?^$|\\]/g, '\\$&');
}
