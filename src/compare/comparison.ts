import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import type { Skipped } from '../runs/find-runs.js';
import type { Run, Setting } from '../runs/read-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { improvement } from '../statistics/improvement.js';
import {
  correlation,
  defaultAlpha,
  type Estimate,
  mean,
  pairedT,
  sampleSize,
  standardDeviation,
  welch,
} from '../statistics/statistics.js';
import { fixedFinding, verdictOf } from '../statistics/verdict.js';
import { printable } from '../system/printable.js';
import { differingSettings, filterRuns, type Group, groupRuns } from './groups.js';
import type { Against, Row, Score } from './row.js';
import { sentence } from './sentence.js';

/** What is compared, and how the table is made. */
export interface ComparisonOptions {
  metric: Metric;
  /** A row's label, or a name that one row alone has; by default the first row read. */
  baseline?: string;
  /** A metric (best first), `config`, `n` or a setting (ascending). By default the metric. */
  sort?: string;
  filter?: string[];
  /** The smallest difference that matters, in the metric's unit: arms within it are equivalent. */
  difference?: number;
  /** Compare arms seed by seed; by default not. */
  paired?: boolean;
  /** The chance of any wrong verdict; by default 0.05. */
  alpha?: number;
}

/** All that is printed or drawn: text, Markdown, CSV, JSON and charts show this and nothing else. */
export interface Comparison {
  metric: Metric;
  baseline: string;
  alpha: number;
  paired: boolean;
  difference?: number | undefined;
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
  const { alpha = defaultAlpha, paired = false, difference } = options;
  compareWithBaseline(rows, baseline, { metric, alpha, paired, difference });
  const repeats = groups.flatMap((group) =>
    group.repeats.map((run) => ({
      path: printable(run.directory),
      reason: `repeats seed ${run.seed} of "${group.label}"`,
    })),
  );
  return {
    metric,
    baseline: baseline.config,
    alpha,
    paired,
    difference,
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
    missing: missing(group.runs),
    scores: Object.fromEntries(names.map((metric) => [metric, score(metric)])) as Row['scores'],
    runs: group.runs.map(({ directory, seed, status, message, scores }) => ({
      directory,
      seed,
      status,
      message,
      scores,
    })),
  };
}

function missing(runs: readonly Run[]): Row['missing'] {
  const without = runs.filter((run) => !run.scores).map((run) => run.status);
  return Object.fromEntries(
    [...new Set(without)].map((status) => [status, without.filter((s) => s === status).length]),
  );
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

type Procedure = Pick<Comparison, 'metric' | 'alpha' | 'paired' | 'difference'>;

function compareWithBaseline(rows: Row[], baseline: Row, procedure: Procedure): void {
  const others = rows.filter((r) => r !== baseline);
  for (const r of others) r.against = against(r, baseline, others.length, procedure);
}

/** `comparisons`: how many rows are compared together, whether or not something can be said of each. */
function against(
  row: Row,
  baseline: Row,
  comparisons: number,
  { metric, alpha, paired, difference }: Procedure,
): Against {
  const { best } = metrics[metric];
  const [own, other] = [values(row, metric), values(baseline, metric)];
  const [a, b] = [own, other].map((scores) => scores.map(({ value }) => value)) as [number[], number[]];
  const both = pairs(own, other);
  const estimate = [...a, ...b].every(Number.isFinite) ? (paired ? pairedT(...both) : welch(a, b)) : undefined;
  const finding = estimate && fixedFinding(estimate, alpha, comparisons);
  const verdict = finding ? verdictOf(finding, best, difference) : 'undecided';
  const needed =
    estimate && verdict === 'undecided' ? moreSeeds(estimate, alpha / comparisons, a.length, difference) : undefined;
  const found = {
    verdict,
    finding,
    improvement: improvement(a, b, best, alpha / comparisons),
    correlation: correlation(...both),
    needed,
  } as const;
  return { ...found, sentence: sentence(row, baseline, metric, found, difference) };
}

/** The values of the seeds that both have. */
function pairs(a: { seed: number; value: number }[], b: typeof a): [number[], number[]] {
  const bySeed = new Map(b.map(({ seed, value }) => [seed, value]));
  const both = a.filter(({ seed }) => bySeed.has(seed));
  return [both.map(({ value }) => value), both.map(({ seed }) => bySeed.get(seed)!)];
}

/** Only for a difference that was named beforehand: for the one observed, it says no more than p. */
function moreSeeds(estimate: Estimate, level: number, n: number, difference: number | undefined): number | undefined {
  if (difference === undefined) return undefined;
  const seeds = sampleSize(difference, estimate.std, estimate.test, level);
  return seeds > n ? seeds : undefined;
}

function sortRows(rows: Row[], by: string, columns: string[]): Row[] {
  const others = ['config', 'n', ...columns];
  const known = [...Object.keys(metrics), ...others];
  if (!known.includes(by))
    throw new ClrError('usage', `--sort: unknown column "${by}"${didYouMean(by, known)}`, `known: ${known.join(', ')}`);
  if (by in metrics) {
    const sign = metrics[by as Metric].best === 'high' ? -1 : 1;
    const rank = ({ scores }: Row) => sign * scores[by as Metric].mean;
    return rows.toSorted((a, b) => Number(Number.isNaN(rank(a))) - Number(Number.isNaN(rank(b))) || rank(a) - rank(b));
  }
  const key = (r: Row) => ({ ...r.settings, config: r.config, n: r.n })[by];
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
