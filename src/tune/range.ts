import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ClrError } from '../errors.js';
import type { LrRange } from '../lr-finder/learning-rates.js';
import { runningMedian } from '../lr-finder/suggestions.js';
import { type FinderRow, readFinderRows } from '../runs/finder-columns.js';
import { readJsonAs } from '../runs/read-run.js';
import { mean } from '../statistics/statistics.js';
import { shipped } from '../system/root.js';
import { digits } from './settings.js';

/** The weight decays of the range tests: exponents half apart (arXiv:1803.09820 bisects the exponent). */
export const decays = [0.01, 0.0032, 0.001, 0.00032, 0.0001];

/** Momentum of the range tests, between those of a cycle. */
const momentum = 0.9;

export const rangeRule =
  'In an LR range test the LR rises by equal steps, and a validation batch is scored after each update. There is a test for each of five weight decays and two seeds, at momentum 0.9. In each, the highest useful LR is the one at which validation accuracy stops rising: the first whose running median, over a tenth of the updates, is within two standard errors of its peak inside the range. Where the accuracy still rises at the end of the range, that is a lower bound. Of the weight decays whose mean peak is below the highest by no more than two standard errors of that difference, the largest is taken, since it regularises most; its LR is the geometric mean over the seeds. The LR at which the loss diverges is not used. The range of LRs is found by trial tests with one seed: a first one from 0.00001 to 10, then others until accuracy stops rising between a quarter and nine tenths of the range.';

export const rangeSource = 'arXiv:1506.01186, section 3.3; arXiv:1803.09820, sections 4.1 and 5';

/** The result of one range test. */
export interface Reading {
  /** Where validation accuracy stops rising. */
  lr: number;
  /** Highest running median of the accuracy, percent, and its standard error. */
  peak: number;
  error: number;
}

/** Undefined: the accuracy never gets well above that of guessing. `rows`: of one seed, with rising LRs. */
export function read(rows: readonly FinderRow[], classes: number): Reading | undefined {
  const firstBad = rows.findIndex((row) => !Number.isFinite(row.loss));
  const good = firstBad < 0 ? rows : rows.slice(0, firstBad);
  if (good.length < minUpdates) return undefined;
  const medians = runningMedian(good.map((row) => row.val_acc));
  const peak = Math.max(...medians);
  if (!(peak > learntFrom(100 / classes))) return undefined;
  const window = Math.max(3, good.length / 10);
  // the standard error of a median of batch accuracies
  const error = 1.25 * Math.sqrt((peak * (100 - peak)) / good[0]!.batch_size / window);
  const i = medians.findIndex((accuracy) => accuracy >= peak - 2 * error);
  return { lr: good[i]!.lr, peak, error };
}

const minUpdates = 10;

/** The accuracy, in percent, above which a net has learnt: twice guessing; with up to four classes less. */
const learntFrom = (guessing: number) => Math.min(2 * guessing, guessing + (100 - guessing) / 4);

/** One weight decay's tests. */
export interface DecayReading {
  weight_decay: number;
  /** One per seed. */
  readings: (Reading | undefined)[];
}

/**
 * The highest LR and the weight decay, chosen from the tests; `low` and `high`: the LRs of its seeds. Throws
 * ClrError('diverged') if none learns anything.
 */
export function chooseDecay(tests: readonly DecayReading[]): {
  weight_decay: number;
  max_lr: number;
  low: number;
  high: number;
} {
  const near = comparePeaks(tests).filter(({ below, allowed }) => below <= allowed);
  const best = near.toSorted((a, b) => b.weight_decay - a.weight_decay)[0];
  if (!best) throw learnsNothing();
  const lrs = best.known.map(({ lr }) => lr);
  const max_lr = digits(Math.exp(mean(lrs.map(Math.log))));
  return { weight_decay: best.weight_decay, max_lr, low: Math.min(...lrs), high: Math.max(...lrs) };
}

/** Compares the peaks, in percent, of the weight decays at which every seed learns something. */
export function comparePeaks(tests: readonly DecayReading[]) {
  const useful = tests.flatMap(({ weight_decay, readings }) => {
    const known = readings.filter((reading) => reading !== undefined);
    return known.length === readings.length ? [{ weight_decay, known, ...meanPeak(known) }] : [];
  });
  const highest = useful.toSorted((a, b) => b.peak - a.peak)[0]!;
  return useful.map((one) => ({
    ...one,
    below: highest.peak - one.peak,
    /** Two standard errors of the difference. */
    allowed: 2 * Math.hypot(highest.error, one.error),
  }));
}

function meanPeak(readings: readonly Reading[]): Pick<Reading, 'peak' | 'error'> {
  const errors = readings.map(({ error }) => error);
  return { peak: mean(readings.map(({ peak }) => peak)), error: Math.hypot(...errors) / errors.length };
}

function learnsNothing(): ClrError {
  const hint = 'raise --budget, or set schedule.max_lr and leave the stage out (--stages)';
  return new ClrError('diverged', 'the net learns nothing in any LR range test', hint);
}

const summarySchema = z.looseObject({ status: z.string(), classes: z.number() });

/** How the tests are run. */
export interface RangeOptions {
  /** The stage's folder. */
  directory: string;
  /** Updates of each test. */
  iterations: number;
  seeds: readonly number[];
  /** Runs `clr lrfind` with these flags added; resolves once it has succeeded. */
  find(flags: string[]): Promise<void>;
}

/** Runs scouting tests to find the range, then all tests; those completed earlier are only read. */
export async function rangeTests(options: RangeOptions): Promise<DecayReading[]> {
  const range = await scout(options);
  const tests: DecayReading[] = [];
  for (const weight_decay of decays) {
    const name = `weight decay ${weight_decay}`;
    const { rows, classes } = await test(name, range, options.seeds, options, ['--weight-decay', String(weight_decay)]);
    const readings = options.seeds.map((seed) =>
      read(
        rows.filter((row) => row.seed === seed),
        classes,
      ),
    );
    tests.push({ weight_decay, readings });
  }
  return tests;
}

type Range = Pick<LrRange, 'start' | 'end' | 'scale'>;

/** Most scouting tests; each corrects the range of the one before. */
export const maxScouts = 6;

async function scout(options: RangeOptions): Promise<Range> {
  let range: Range = { start: 1e-5, end: 10, scale: 'exponential' };
  for (let n = 1; n <= maxScouts; n++) {
    const { rows, classes } = await test(`scout ${n}`, range, options.seeds.slice(0, 1), options, []);
    const reading = read(rows, classes);
    const at = (reading?.lr ?? 0) / range.end;
    if (range.scale === 'exponential') range = linear(reading ? 3 * reading.lr : 1);
    else if (at < 0.25) range = linear(range.end / 3);
    else if (at > 0.9) range = linear(range.end * 2);
    else return range;
  }
  return range;
}

const linear = (end: number): Range => ({ start: digits(end / 100), end: digits(end), scale: 'linear' });

/** One finder run, in the folder of its name; a run that was cut short is repeated. */
async function test(
  name: string,
  { start, end, scale }: Range,
  seeds: readonly number[],
  { directory, iterations, find }: RangeOptions,
  more: string[],
): Promise<{ rows: FinderRow[]; classes: number }> {
  const folder = path.join(directory, name);
  if (!finished(folder)) {
    const range = ['--start', String(start), '--end', String(end), ...(scale === 'linear' ? ['--linear'] : [])];
    const length = ['--iterations', String(iterations), seeds.length > 1 ? '--seeds' : '--seed', seeds.join()];
    await find([...range, ...length, '--momentum', String(momentum), '--validate', '--runs', folder, ...more]);
  }
  const run = finished(folder)!;
  return { rows: readFinderRows(run), classes: readJsonAs(summarySchema, run, 'summary.json').classes };
}

/** The completed finder run in the folder. */
export function finished(folder: string): string | undefined {
  const runs = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  return runs.find((run) => {
    try {
      return readJsonAs(summarySchema, run, 'summary.json').status === 'completed';
    } catch {
      return false;
    }
  });
}

/** Runs `clr lrfind` in its own process, output on stderr. Throws ClrError if it fails, or the signal's reason. */
export async function lrfind(config: string, flags: string[], signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [shipped('bin/clr.js'), 'lrfind', config, ...flags], {
    stdio: ['ignore', 2, 2],
    detached: true,
  });
  const interrupt = () => child.kill('SIGINT');
  signal.addEventListener('abort', interrupt);
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', interrupt);
  signal.throwIfAborted();
  if (code !== 0) throw new ClrError('failed', `the LR range test ended with exit code ${code}`);
}
