import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../random.js';
import { readRuns } from '../runs/read-runs.js';
import { interval, pairedT, pValue, welch } from '../statistics/statistics.js';
import { verdictOf } from '../statistics/verdict.js';
import { type WhatRan, writeRunFolder } from '../testing/run-files.js';
import { checkColumns, notesOf } from './cells.js';
import { compareChart } from './charts/charts.js';
import { type ComparisonOptions, compare, compareEach } from './comparison.js';
import { longTable } from './long-table.js';
import { toCsv, toJson, toLatex, toMarkdown, toText } from './print.js';
import { readCurves } from './read-curves.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-compare-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const writeRun = (folder: string, ...what: WhatRan) => writeRunFolder(path.join(root, folder), ...what);

const constant = [92.2, 92.45, 91.95, 92.32, 92.05];
const cyclical = [92.31, 92.55, 92.12, 92.4, 92.18];
const lr = (value: number) => ({ schedule: { type: 'constant', lr: value } });

beforeAll(() => {
  const expected = { val_acc: 92.1, std: 0.2, note: 'four runs' };
  const reported = { name: 'constant', expected, source: 'a paper' };
  for (const [i, accuracy] of constant.entries()) writeRun(`a/${i + 1}`, { ...reported, seed: i + 1 }, accuracy);
  for (const [i, accuracy] of cyclical.entries()) {
    writeRun(`a/${i + 6}`, { name: 'cyclical', seed: i + 1, ...lr(0.3) }, accuracy);
    if (i < 4) writeRun(`a/${i + 11}`, { name: 'other seeds', seed: i + 7, ...lr(0.4) }, accuracy);
  }
  writeRun('a/20', { name: 'too high', ...lr(9) }, undefined, 'diverged');
  writeRun('a/21', { name: 'too high', seed: 2, ...lr(9) }, 50);
});

/** A sweep's folder, with the accuracies of each arm's first seeds; the first run of an arm without any has failed. */
function writeSweep(name: string, scores: Record<string, number[]>, seeds: number, question?: object): void {
  const runs = Object.entries(scores).flatMap(([arm, accuracies]) => {
    mkdirSync(path.join(root, name, arm), { recursive: true });
    writeFileSync(
      path.join(root, name, arm, 'arm.json'),
      JSON.stringify({ name: arm, seed: 1, epochs: 2, ...lr(arm.length) }),
    );
    accuracies.forEach((accuracy, i) => {
      writeRun(`${name}/${arm}/seed-${i + 1}`, { name: arm, seed: i + 1, ...lr(arm.length) }, accuracy);
    });
    const status = (i: number) => (i < accuracies.length ? 'completed' : i === 0 ? 'failed' : 'pending');
    const planned = question && accuracies.length > 0 ? accuracies.length : seeds;
    return Array.from({ length: planned }, (_, i) => {
      return { arm, seed: i + 1, directory: `${arm}/seed-${i + 1}`, status: status(i) };
    });
  });
  writeFileSync(path.join(root, name, 'sweep.json'), JSON.stringify({ name, question, runs }));
}

function comparison(options: Partial<ComparisonOptions> = {}, ...paths: string[]) {
  const { runs, skipped } = readRuns(paths.length > 0 ? paths : [path.join(root, 'a')]);
  return compare(runs, skipped, { metric: 'val_acc', ...options });
}

describe('compare', () => {
  it('groups the seeds of a config in one row, with only the settings that differ as columns', () => {
    const { rows, columns: settings, baseline } = comparison();
    expect(settings).toEqual(['schedule.lr']);
    expect(baseline).toBe('constant');
    expect(rows.map((r) => [r.config, r.n, r.missing.diverged ?? 0, r.settings['schedule.lr']])).toEqual([
      ['other seeds', 4, 0, 0.4],
      ['cyclical', 5, 0, 0.3],
      ['constant', 5, 0, 0.1],
      ['too high', 1, 1, 9],
    ]);
  });

  it('uses one procedure for all arms: intervals and p by Welch, corrected together', () => {
    const [other, cyclicalRow] = comparison().rows.map((r) => r.against?.finding);
    expect(cyclicalRow).toMatchObject(interval(welch(cyclical, constant)!, 0.05 / 3));
    expect(other!.p).toBeCloseTo(3 * pValue(welch(cyclical.slice(0, 4), constant)!), 12);
  });

  it('pairs by seed if asked, whatever the data', () => {
    const [other, cyclicalRow] = comparison({ paired: true }).rows.map((r) => r.against);
    expect(cyclicalRow!.finding).toMatchObject({ test: 'paired', p: 3 * pValue(pairedT(cyclical, constant)!) });
    expect(cyclicalRow!.sentence).toBe('cyclical is better than constant by 0.06 to 0.18');
    expect(cyclicalRow!.correlation).toBeGreaterThan(0.9);
    expect(other!.finding).toBeUndefined(); // it has no seed in common with the baseline
  });

  it('gives the verdict in a sentence, and the seeds needed only if a difference is named', () => {
    const first = (difference?: number) => comparison({ difference }).rows[0]!.against!.sentence;
    expect(first()).toBe('undecided: other seeds is between 0.25 worse and 0.55 better than constant');
    expect(first(0.2)).toMatch(/ better than constant; about 2\d seeds per arm would detect a difference of 0\.2$/);
    expect(first(1)).toBe('other seeds is equivalent to constant: less than 1 apart');
  });

  it('says that one run cannot be tested', () => {
    expect(comparison().rows.at(-1)!.against!.sentence).toBe(
      'too high: no test possible: each arm needs at least two seeds with a score, and it has one',
    );
  });

  it('sums up the arms that have no score yet, in a chart too', () => {
    writeSweep('begun', { base: [91, 92], done: [93, 94], b: [], c: [], d: [], e: [] }, 2);
    const whole = comparison({}, path.join(root, 'begun'));
    expect(notesOf(whole).sentences).toEqual([
      expect.stringMatching(/^undecided: done is between/),
      '4 configs: no run has a score',
    ]);
    expect(JSON.stringify(compareChart(whole, []))).toContain('"why":"1 failed, 1 pending"');
  });

  it('groups a run of an older version, whose config lacks newer keys, with the same config', () => {
    const config = { name: 'arm', optimizer: { type: 'sgd', weight_decay: 1e-4 } };
    writeRun('versions/old', { ...config, seed: 1 }, 90);
    const newer = { ...config.optimizer, no_decay: [] };
    writeRun('versions/new', { ...config, seed: 2, label_smoothing: 0, optimizer: newer }, 91);
    writeRun('foreign/1', { ...config, name: '<b>', seed: 3 }, 91); // an invalid name changes nothing
    expect(comparison({}, path.join(root, 'versions'), path.join(root, 'foreign')).columns).toEqual([]);
    writeRun('versions/other', { ...config, seed: 3, label_smoothing: 0.1 }, 92);
    const { rows } = comparison({}, path.join(root, 'versions'));
    expect(rows.map(({ config, n }) => [config, n])).toEqual([
      ['arm (label_smoothing=0.1)', 1],
      ['arm (label_smoothing=0)', 2],
    ]);
  });

  it('compares with the first arm that its sweep has not stopped', () => {
    writeRun('stopped/1', { name: 'a', seed: 1 }, undefined, 'stopped');
    writeRun('stopped/2', { name: 'b', seed: 1, ...lr(2) }, 61);
    expect(comparison({}, path.join(root, 'stopped')).baseline).toBe('b');
    expect(comparison({ baseline: 'a' }, path.join(root, 'stopped')).baseline).toBe('a');
  });

  it('labels namesakes by what differs, and leaves alone the one that does not set it', () => {
    writeRun('namesakes/1', { name: 'tiny', seed: 1 }, 60);
    writeRun('namesakes/2', { name: 'tiny', seed: 1, max_iterations: 3 }, 61);
    const { rows } = comparison({}, path.join(root, 'namesakes'));
    expect(rows.map(({ config }) => config)).toEqual(['tiny (max_iterations=3)', 'tiny']);
  });

  it('keeps runs that failed, were interrupted or never started in every output, with n of planned', () => {
    writeSweep('nothing-lost', { none: [], gone: [90], good: [91, 92] }, 2);
    const whole = comparison({}, path.join(root, 'nothing-lost'));
    expect(whole.rows.map((r) => [r.config, r.n, r.missing])).toEqual([
      ['good', 2, {}],
      ['gone', 1, { pending: 1 }],
      ['none', 0, { failed: 1, pending: 1 }],
    ]);
    for (const print of [toText, toMarkdown, toLatex]) expect(print([whole])).toContain('0/2: 1 failed, 1 pending');
    expect(toCsv([whole])).toMatch(/none,0,2,"1 failed, 1 pending"/);
    const { runs } = readRuns([path.join(root, 'nothing-lost')]);
    expect([...longTable(runs, 'run', 'csv', () => {})].join('')).toMatch(/none\/seed-1,none,1,failed/);
  });

  const question = { metric: 'val_acc', baseline: 'a', difference: 3, alpha: 0.05, power: 0.8, max_seeds: 4, block: 2 };

  it('judges a sweep with a question as the sweep did, unless another question is asked', () => {
    const scores = { a: [60, 61, 60.5, 60.2], better: [95, 95.5], same: [60.1, 61.1, 60.4, 60.3] };
    writeSweep('asked', scores, 4, question);
    const asked = comparison({}, path.join(root, 'asked'));
    expect(asked.rows.map((r) => [r.config, r.against?.verdict, r.against?.seeds])).toEqual([
      ['better', 'better', 2],
      ['same', 'equivalent', 4],
      ['a', undefined, undefined],
    ]);
    expect(asked.procedure).toMatch(/all arms and looks/);
    expect(comparison({ filter: ['epochs=2'] }, path.join(root, 'asked')).procedure).toBe(asked.procedure);
    expect(comparison({ metric: 'val_loss' }, path.join(root, 'asked')).procedure).toMatch(
      /they assume a number of seeds fixed beforehand, but seeds were added until a question was decided/,
    );
    expect(comparison({}, path.join(root, 'asked')).margin).toBe(3);
    const loss = { ...question, metric: 'val_loss' };
    writeSweep('asked-loss', scores, 4, loss);
    expect(comparison({ difference: 5 }, path.join(root, 'asked-loss')).margin).toBe(5);
    expect(comparison({}, path.join(root, 'asked-loss')).margin).toBeUndefined();
  });

  it('says why an arm of a sweep with a question, or of pairs, has not been tested', () => {
    writeSweep('mid-block', { a: [60, 61, 60.5], b: [62, 61, 63] }, 6, { ...question, max_seeds: 6, block: 4 });
    expect(notesOf(comparison({}, path.join(root, 'mid-block'))).sentences).toEqual([
      'b: not judged yet: the first block of seeds is not complete in both arms',
    ]);
    for (const seed of [1, 2, 3, 4])
      writeRun(`apart/${seed}`, { name: seed < 3 ? 'a' : 'b', seed, ...lr(seed < 3 ? 1 : 2) }, 60 + seed);
    expect(notesOf(comparison({ paired: true }, path.join(root, 'apart'))).sentences).toEqual([
      expect.stringMatching(/fewer than two seeds have a score in both arms/),
    ]);
  });

  it("tests a sweep's filtered runs, and those left after one was lost, by their own number", () => {
    const { runs } = readRuns([path.join(root, 'asked')]);
    const [filtered] = compareEach(undefined, runs, { filter: ['seed=1'] });
    expect(filtered!.rows.map((r) => [r.config, r.n, r.against?.finding])).toEqual(
      ['better', 'same', 'a'].map((arm) => [arm, 1, undefined]),
    );
    expect(filtered!.procedure).toMatch(/fixed beforehand/);
    cpSync(path.join(root, 'asked'), path.join(root, 'lost'), { recursive: true });
    writeFileSync(path.join(root, 'lost/same/seed-2/summary.json'), '{"status": 7}');
    const rest = comparison({ baseline: 'a' }, path.join(root, 'lost'));
    expect(rest.rows.map((r) => [r.config, r.n])).toEqual([
      ['better', 2],
      ['a', 4],
      ['same', 3],
    ]);
    expect(rest.procedure).toMatch(/fixed beforehand/);
    rmSync(path.join(root, 'lost/same/seed-2'), { recursive: true });
    expect(comparison({}, path.join(root, 'lost'))).toMatchObject({
      rows: rest.rows,
      skipped: [{ reason: 'completed according to sweep.json, but its folder is missing' }],
    });
    const other = comparison({ filter: ['seed=1'] }, path.join(root, 'asked'));
    expect(other).toMatchObject({ baseline: 'a', difference: rest.difference });
    expect(rest.difference).toBeGreaterThan(0);
  });

  it('says nothing about 12 arms that their numbers contradict', () => {
    const random = randomStream(5, 'simulation');
    const told = {
      better: /is better than/,
      worse: /is worse than/,
      equivalent: /is equivalent to/,
      undecided: /^undecided/,
    };
    const seen = new Set<string>();
    for (const [round, spread] of [0.05, 0.3, 2, 9].entries()) {
      for (let arm = 0; arm < 12; arm++)
        for (let seed = 1; seed <= 2 + (arm % 5); seed++)
          writeRun(
            `arms/${round}/${arm}-${seed}`,
            { name: `arm ${arm}`, seed, ...lr(arm) },
            60 + (arm % 3) + spread * random.normal(),
          );
      const whole = comparison({ difference: 1.5, baseline: 'arm 1' }, path.join(root, `arms/${round}`));
      for (const { against } of whole.rows) {
        if (!against?.finding) continue;
        const { low, high, p } = against.finding;
        const verdict = verdictOf({ low, high }, 'high', 1.5);
        seen.add(verdict);
        expect(against.verdict).toBe(verdict);
        expect(p < 0.05).toBe(low > 0 || high < 0);
        expect(against.sentence).toMatch(told[verdict]);
        const numbers = [...against.sentence.matchAll(/(?:by|to|between|and) (\d+\.\d\d)/g)].map((match) =>
          Number(match[1]),
        );
        const bounds = [low, high].map((bound) => Number(Math.abs(bound).toFixed(2))).sort((a, b) => a - b);
        if (verdict !== 'equivalent') expect(numbers.sort((a, b) => a - b)).toEqual(bounds);
      }
    }
    expect(seen.size).toBe(4);
  });

  it('separates runs of different questions, each with a baseline', () => {
    writeRun('two/1', { name: 'short', epochs: 3 }, 50);
    writeRun('two/2', { name: 'long', epochs: 30 }, 60);
    const { runs } = readRuns([path.join(root, 'two')]);
    const apart = compareEach(undefined, runs, {});
    expect(apart.map(({ title, baseline }) => [title, baseline])).toEqual([
      [expect.stringContaining('3 epochs'), 'short'],
      [expect.stringContaining('30 epochs'), 'long'],
    ]);
    expect(compareEach([runs], runs, {})).toHaveLength(1);
  });

  it('takes another baseline, metric, order and filter', () => {
    const options = { baseline: 'cyclical', metric: 'val_loss', sort: 'schedule.lr', paired: true } as const;
    const other = comparison(options);
    expect(other.baseline).toBe('cyclical');
    expect(other.rows.map((r) => r.config)).toEqual(['constant', 'cyclical', 'other seeds', 'too high']);
    expect(other.rows[0]!.against!.sentence).toBe('constant is worse than cyclical by 0.0003 to 0.0009');
    expect(comparison({ filter: ['schedule.lr=0.3', 'seed=2'] }).rows.map((r) => r.runs.length)).toEqual([1]);
  });

  it('shows a setting that is asked for, also one that all rows share', () => {
    const table = toMarkdown([comparison()], { columns: ['epochs', 'schedule.lr'] });
    expect(table).toMatch(/^\| cyclical .*\| 2 \| 0\.3 \|$/m);
  });

  it('refuses a column that no table knows; a table without one shows a dash', () => {
    const tables = [comparison(), { ...comparison(), shared: {} }];
    expect(() => checkColumns(['epochs'], tables)).not.toThrow();
    expect(() => checkColumns(['epoch'], tables)).toThrow('no column is called "epoch", did you mean "epochs"?');
    const rows = toMarkdown(tables, { columns: ['epochs'] }).match(/^\| cyclical .*/gm);
    expect(rows).toEqual([expect.stringMatching(/ 2 \|$/), expect.stringMatching(/ - \|$/)]);
  });

  it.each([
    [{ baseline: 'constnt' }, 'no config is called "constnt", did you mean "constant"?'],
    [{ sort: 'val_ac' }, 'unknown column "val_ac", did you mean "val_acc"?'],
    [{ filter: ['schedule.lrr=1'] }, 'no run has the setting "schedule.lrr", did you mean "schedule.lr"?'],
    [{ filter: ['schedule.lr=77'] }, 'no run matches'],
    [{ filter: ['lr'] }, 'not of the form key=value'],
  ])('refuses %j', (options, message) => {
    expect(() => comparison(options)).toThrow(message);
  });

  it('counts a seed once if it was run twice, and tells configs of the same name apart', () => {
    writeRun('b/1', { name: 'same' }, 90);
    writeRun('b/2', { name: 'same' }, 91);
    writeRun('b/10', { name: 'same', ...lr(0.3) }, 92);
    const { rows, skipped } = comparison({}, path.join(root, 'b'));
    expect(rows.map((r) => [r.config, r.n, r.scores.val_acc.mean])).toEqual([
      ['same (schedule.lr=0.3)', 1, 92],
      ['same (schedule.lr=0.1)', 1, 90],
    ]);
    expect(skipped).toEqual([
      { path: path.join(root, 'b', '2'), reason: 'repeats seed 1 of "same (schedule.lr=0.1)"' },
    ]);
    writeRun('again/1', { name: 'same' }, 50, 'interrupted');
    writeRun('again/2', { name: 'same' }, 91);
    expect(comparison({}, path.join(root, 'again')).rows[0]!.scores.val_acc.mean).toBe(91);
  });
});

describe('compare, in edge cases', () => {
  it('numbers configs of one name that differ in more than a label can hold', () => {
    const other = { dataset: { type: 'synthetic', train_size: 1000, val_size: 500 }, max_iterations: 12 };
    writeRun('l/1', { name: 'same' }, 90);
    writeRun('l/2', { name: 'same', ...other }, 91);
    expect(comparison({}, path.join(root, 'l')).rows.map((r) => r.config)).toEqual(['same #2', 'same #1']);
  });
});

describe('reading runs', () => {
  it('names what it leaves out and why', () => {
    writeRun('c/1', { name: 'good' }, 90);
    writeRun('c/2', { name: 'going' }, 80, 'interrupted');
    writeRun('c/3', { name: 'half' }, 90);
    writeFileSync(path.join(root, 'c/3/summary.json'), '{"status": "comp');
    writeRun('c/4', { name: 7 }, 90);
    writeRun('c/5', { name: 'young' }, 90);
    rmSync(path.join(root, 'c/5/summary.json'));
    mkdirSync(path.join(root, 'empty'), { recursive: true });
    const { runs, skipped } = readRuns(['c', 'empty', 'nowhere'].map((name) => path.join(root, name)));
    expect(runs.map((run) => [run.name, run.status])).toEqual([
      ['good', 'completed'],
      ['going', 'interrupted'],
      ['young', 'interrupted'],
    ]);
    expect(skipped.map(({ path: where, reason }) => [path.relative(root, where), reason])).toEqual([
      ['empty', 'neither a run folder (no config.json) nor a folder that contains one'],
      ['nowhere', 'does not exist'],
      ['c/3', expect.stringContaining('damaged: cannot read')],
      ['c/4', 'damaged: config.json: name cannot be 7'],
    ]);
  });

  it('finds folders in folders, and sweeps in the order of their manifest, each run once', () => {
    for (const arm of ['zebra', 'ant']) writeRun(`d/sweep-x/${arm}/seed-1`, { name: arm }, 90);
    const manifest = ['zebra', 'ant'].map((arm) => ({ arm, seed: 1, directory: `${arm}/seed-1`, status: 'completed' }));
    writeFileSync(path.join(root, 'd/sweep-x/sweep.json'), JSON.stringify({ runs: manifest }));
    writeRun('d/10', { name: 'ten' }, 90);
    writeRun('d/9', { name: 'nine' }, 90);
    const { runs, skipped } = readRuns([path.join(root, 'd'), path.join(root, 'd', '9')]);
    expect(runs.map((run) => run.name)).toEqual(['nine', 'ten', 'zebra', 'ant']);
    expect(skipped).toEqual([]);
  });
});

describe('printing', () => {
  it('JSON, CSV and Markdown say the same', () => {
    const whole = comparison();
    const [json] = JSON.parse(toJson([whole])) as [typeof whole];
    const csv = parse(toCsv([whole]), { columns: true }) as Record<string, string>[];
    const markdown = toMarkdown([whole], { settings: true })
      .split('\n')
      .filter((line) => line.startsWith('| '));
    const cells = markdown.map((line) => line.slice(2, -2).split(' | '));
    json.rows.forEach((row, i) => {
      const { mean, std } = row.scores.val_acc;
      const seven = (value: number | undefined) => (value === undefined ? '' : String(Number(value.toPrecision(7))));
      expect(csv[i]).toMatchObject({ kind: 'runs', config: row.config, n: String(row.n), val_acc_mean: seven(mean) });
      expect(csv[i]!.val_acc_std).toBe(row.n > 1 ? seven(std) : '');
      expect(csv[i]!.p).toBe(seven(row.against?.finding?.p));
      expect(csv[i]!.planned).toBe(String(row.runs.length));
      const rounded = row.n > 1 ? `${mean.toFixed(2)} ± ${std.toFixed(2)}` : mean.toFixed(2);
      const count = row.missing.diverged ? '1/2: 1 diverged' : String(row.n);
      const shown = [cells[i + 2]![0], cells[i + 2]![1], cells[i + 2]![2], cells[i + 2]!.at(-1)];
      expect(shown).toEqual([row.config, count, rounded, String(row.settings['schedule.lr'])]);
      if (row.against)
        expect(toMarkdown([whole])).toContain(row.against.sentence.replaceAll('[', '\\[').replaceAll(']', '\\]'));
    });
    expect(csv.at(-1)).toMatchObject({
      kind: 'reported',
      config: 'constant',
      val_acc_mean: '92.1',
      val_acc_std: '0.2',
    });
    expect(cells.at(-1)!.slice(0, 3)).toEqual(['constant, reported', '', '92.10 ± 0.20']);
    expect(json.references).toEqual([
      { configs: ['constant'], val_acc: 92.1, std: 0.2, note: 'four runs', source: 'a paper' },
    ]);
  });

  it('lists a report once if several configs of one name share its value, with each source below', () => {
    const expected = { val_acc: 81.3, std: 0.1 };
    writeRun(
      'shared/1',
      { name: 'row', ...lr(0.1), expected: { ...expected, note: 'batch 128' }, source: 'a paper' },
      80,
    );
    writeRun(
      'shared/2',
      { name: 'row', ...lr(0.2), expected: { ...expected, note: 'batch 140' }, source: 'a paper' },
      81,
    );
    writeRun(
      'shared/3',
      { name: 'row', ...lr(0.3), expected: { ...expected, note: 'batch 140' }, source: 'a paper' },
      82,
    );
    const shared = comparison({}, path.join(root, 'shared'));
    expect(toText([shared]).match(/^row, reported .*81\.30 ± 0\.10/gm)).toHaveLength(1);
    expect(toCsv([shared]).match(/^reported,/gm)).toHaveLength(1);
    expect(notesOf(shared).notes.slice(-2)).toEqual([
      'row, reported: a paper; batch 128',
      'row, reported: a paper; batch 140',
    ]);
  });

  it('takes less than two seconds of processor time for a thousand run folders', () => {
    for (let i = 0; i < 1000; i++)
      writeRun(`f/${i + 1}`, { name: `arm ${i % 200}`, seed: i, ...lr(i % 200) }, 90 + Math.sin(i));
    const before = process.cpuUsage();
    expect(toText([comparison({}, path.join(root, 'f'))]).split('\n').length).toBeGreaterThan(200 + 199);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(2);
  });

  it('hostile names inject nothing into the terminal, Markdown or a spreadsheet', () => {
    const name = '=cmd|<img src=x onerror=alert(1)>\u001b[31m\u202e\u009b2J\n*b*';
    writeRun('e/1', { name, 'k\u001b]0;x\u0007': '\u001b[2J' }, 90);
    writeRun('e/2', { name: 'plain' }, 91);
    const hostile = comparison({}, path.join(root, 'e'));
    const printed = [toText, toMarkdown, toCsv, toJson, toLatex].map((print) => print([hostile]));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    for (const text of printed) expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(printed[1]).toContain('=cmd\\|&lt;img src=x onerror=alert(1)&gt; \\[31m 2J \\*b\\*');
    expect(printed[2]).toContain("'=cmd|");
  });

  it('reads the curve of a stopped arm up to where it stopped', () => {
    writeRun('halved/1', { name: 'kept' }, 90);
    writeRun('halved/2', { name: 'behind' }, undefined, 'stopped');
    writeRun('halved/3', { name: 'wild' }, undefined, 'diverged');
    const halved = comparison({}, path.join(root, 'halved'));
    const curves = readCurves(halved, () => {});
    expect(curves.map(({ config, runs }) => [config, runs.length])).toEqual([
      ['kept', 1],
      ['behind', 1],
      ['wild', 0],
    ]);
  });
});
