import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import type { Skipped } from '../runs/find-runs.js';
import type { Run, Setting } from '../runs/read-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import {
  alpha,
  type Difference,
  holm,
  mean,
  pairedT,
  sampleSize,
  standardDeviation,
  welch,
} from '../statistics/statistics.js';
import { printable } from '../system/printable.js';
import { differingSettings, filterRuns, type Group, groupRuns } from './groups.js';
import type { Against, Row, Score } from './row.js';
import { sentence } from './sentence.js';

/** What is compared, and how the table is made. */
export interface ComparisonOptions {
  metric: Metric;
  /** A row's label, or a name that one row alone has; by default the first row read. */
  baseline?: string;
  /** A metric (best first), `config`, `n`, `diverged` or a setting (ascending). By default the metric. */
  sort?: string;
  filter?: string[];
  /** The difference that is worth seeing, in the metric's unit; by default the one observed, to one digit. */
  difference?: number;
}

/** All that is printed or drawn: text, Markdown, CSV, JSON and charts show this and nothing else. */
export interface Comparison {
  metric: Metric;
  baseline: string;
  /** The settings that differ: dotted keys. */
  columns: string[];
  /** The settings that all have in common. */
  shared: Record<string, Setting>;
  rows: Row[];
  references: Reference[];
  skipped: Skipped[];
}

/** What the source of these configs reports. */
export type Reference = { configs: string[]; source: string | undefined } & NonNullable<Run['expected']>;

/** Groups the runs by config, tests each group against the baseline. Throws ClrError('usage') for names that do not exist. */
export function compare(all: readonly Run[], skipped: Skipped[], options: ComparisonOptions): Comparison {
  const { metric } = options;
  const groups = groupRuns(filterRuns(all, options.filter ?? []));
  const columns = differingSettings(groups);
  const rows = groups.map((group) => row(group, columns));
  const baseline = findBaseline(groups, rows, options.baseline);
  compareWithBaseline(rows, baseline, metric, options.difference);
  const repeats = groups.flatMap((group) =>
    group.repeats.map((run) => ({
      path: printable(run.directory),
      reason: `repeats seed ${run.seed} of "${group.label}"`,
    })),
  );
  return {
    metric,
    baseline: baseline.config,
    columns,
    shared: Object.fromEntries(Object.entries(groups[0]!.settings).filter(([key]) => !columns.includes(key))),
    rows: sortRows(rows, options.sort ?? metric, columns),
    references: references(groups),
    skipped: [...skipped, ...repeats],
  };
}

/** The values of a metric over the seeds that completed, by seed. */
export function values(row: Row, metric: Metric): { seed: number; value: number }[] {
  return row.runs.flatMap(({ seed, scores }) => (scores ? [{ seed, value: scores[metric] }] : []));
}

function row(group: Group, columns: string[]): Row {
  const completed = group.runs.flatMap((run) => (run.scores ? [run.scores] : []));
  const score = (metric: Metric): Score => {
    const numbers = completed.map((scores) => scores[metric]);
    return { mean: mean(numbers), std: standardDeviation(numbers) };
  };
  const names = Object.keys(metrics) as Metric[];
  return {
    config: group.label,
    settings: Object.fromEntries(columns.map((key) => [key, group.settings[key]])),
    n: completed.length,
    diverged: group.runs.length - completed.length,
    scores: Object.fromEntries(names.map((metric) => [metric, score(metric)])) as Row['scores'],
    runs: group.runs.map(({ directory, seed, status, scores }) => ({ directory, seed, status, scores })),
  };
}

function findBaseline(groups: Group[], rows: Row[], name: string | undefined): Row {
  if (name === undefined) return rows[0]!;
  const labels = rows.map((r) => r.config);
  const exact = labels.indexOf(name);
  if (exact >= 0) return rows[exact]!;
  const named = rows.filter((_, i) => groups[i]!.name === name);
  if (named.length === 1) return named[0]!;
  const known = `known: ${labels.slice(0, 20).join('; ')}`;
  if (named.length > 1)
    throw new ClrError('usage', `--baseline: ${named.length} configs have the name "${name}"`, known);
  throw new ClrError('usage', `--baseline: no config is called "${name}"${didYouMean(name, labels)}`, known);
}

function compareWithBaseline(rows: Row[], baseline: Row, metric: Metric, wanted: number | undefined): void {
  const others = rows.filter((r) => r !== baseline);
  const tests = others.map((r) => test(values(r, metric), values(baseline, metric)));
  const corrected = holm(tests.flatMap((t) => (t ? [t.p] : [])));
  others.forEach((r, i) => {
    const difference = tests[i];
    const against: Against = { sentence: '' };
    if (difference) against.test = judge(difference, corrected.shift()!, metric, wanted);
    const count = tests.filter((t) => t).length;
    against.sentence = sentence(r, baseline, metric, against.test, count);
    r.against = against;
  });
}

/** Paired where both arms have the very same seeds, unless each seed differs by the same; else Welch. */
function test(arm: { seed: number; value: number }[], baseline: typeof arm): Difference | undefined {
  const numbers = [arm, baseline].map((scores) => scores.map((score) => score.value)) as [number[], number[]];
  if (!numbers.flat().every(Number.isFinite)) return undefined;
  const seeds = [arm, baseline].map((scores) => scores.map((score) => score.seed).join());
  return (seeds[0] === seeds[1] && pairedT(...numbers)) || welch(...numbers);
}

function judge(difference: Difference, pHolm: number, metric: Metric, wanted: number | undefined): Against['test'] {
  const distinguishable = pHolm < alpha;
  if (distinguishable) return { ...difference, pHolm, distinguishable };
  const least = 10 ** -metrics[metric].digits; // what is printed shows no less
  const worth = wanted ?? Math.max(least, Number(Math.abs(difference.difference).toPrecision(1)));
  const seeds = sampleSize(worth, difference.std, difference.test);
  return { ...difference, pHolm, distinguishable, needed: { seeds, wanted: worth } };
}

function sortRows(rows: Row[], by: string, columns: string[]): Row[] {
  const others = ['config', 'n', 'diverged', ...columns];
  const known = [...Object.keys(metrics), ...others];
  if (!known.includes(by))
    throw new ClrError('usage', `--sort: unknown column "${by}"${didYouMean(by, known)}`, `known: ${known.join(', ')}`);
  if (by in metrics) {
    const sign = metrics[by as Metric].best === 'high' ? -1 : 1;
    const rank = ({ scores }: Row) => sign * scores[by as Metric].mean;
    return rows.toSorted((a, b) => Number(Number.isNaN(rank(a))) - Number(Number.isNaN(rank(b))) || rank(a) - rank(b));
  }
  const key = (r: Row) => ({ ...r.settings, config: r.config, n: r.n, diverged: r.diverged })[by];
  const collator = new Intl.Collator('en', { numeric: true });
  return rows.toSorted((a, b) => {
    const [x, y] = [key(a) ?? '', key(b) ?? ''];
    return typeof x === 'number' && typeof y === 'number' ? x - y : collator.compare(String(x), String(y));
  });
}

/** Arms of a sweep share their base's report: it is told once. */
function references(groups: Group[]): Reference[] {
  const found = new Map<string, Reference>();
  for (const { name, runs } of groups) {
    const { expected, source } = runs[0]!;
    if (!expected) continue;
    const report = { ...expected, source };
    const key = JSON.stringify(report);
    found.set(key, { configs: [...(found.get(key)?.configs ?? []), name], ...report });
  }
  return [...found.values()];
}
