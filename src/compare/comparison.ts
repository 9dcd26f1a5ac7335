import path from 'node:path';
import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import type { Skipped } from '../runs/find-runs.js';
import type { Run, Setting } from '../runs/read-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { designFor, type SweepWithQuestion, standingOf } from '../runs/standing.js';
import { recordedStatus } from '../runs/status.js';
import { isDone } from '../runs/sweep-manifest.js';
import { improvement } from '../statistics/improvement.js';
import { withP } from '../statistics/sequential.js';
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
import { byQuestion, differingSettings, filterRuns, type Group, groupRuns, questionOf } from './groups.js';
import { accuracyMargin, againstPublished } from './published.js';
import type { Against, Row, Score } from './row.js';
import { percent, sentence } from './sentence.js';
import { addTestSet } from './test-set.js';

/** What to compare, and how to present it. */
export interface ComparisonOptions {
  /** Default: the metric of the sweep's question or rankings, else `val_acc`. */
  metric?: Metric | undefined;
  /** A row's label, or a name that only one row has; default: that of the sweep's question, else the first row read. */
  baseline?: string | undefined;
  /** A metric (best first), `config`, `n` or a setting (ascending). Default: the metric. */
  sort?: string;
  filter?: string[];
  /** The smallest difference that matters, in the metric's unit: arms within it are equivalent. */
  difference?: number;
  /** Compare arms seed by seed; default: as the sweep does. */
  paired?: boolean;
  /** The chance of any wrong verdict; default: that of the sweep's question, else 0.05. */
  alpha?: number;
}

/** Everything that is printed or drawn: text, Markdown, CSV, JSON and charts show only this. */
export interface Comparison {
  /** Title that distinguishes it from the other comparisons of a call: the sweep, or net, data and epochs. */
  title: string;
  metric: Metric;
  baseline: string;
  alpha: number;
  paired: boolean;
  difference?: number | undefined;
  /** Percentage points within which a published accuracy counts as reproduced; undefined: the default. */
  margin?: number | undefined;
  /** How the verdicts were reached, in a sentence. */
  procedure: string;
  /** Which arms were stopped early, and what that means for the others. */
  halving?: string | undefined;
  /** The settings that differ: dotted keys. */
  columns: string[];
  /** The settings that all rows share. */
  shared: Record<string, Setting>;
  rows: Row[];
  references: Reference[];
  skipped: Skipped[];
}

/** What the source of these configs reports. */
export type Reference = { configs: string[]; source: string | undefined } & NonNullable<Run['expected']>;

/** Groups the runs by config, tests each group against the baseline. Throws ClrError('usage') for unknown names. */
export function compare(all: readonly Run[], skipped: Skipped[], options: ComparisonOptions): Comparison {
  const sweep = sweepAsking(all);
  const question = sweep?.question;
  const halving = all[0]?.sweep?.manifest.halving;
  const { metric = question?.metric ?? halving?.metric ?? 'val_acc', alpha = question?.alpha ?? defaultAlpha } =
    options;
  const { paired = all[0]?.sweep?.manifest.paired ?? false } = options;
  const { difference = metric === question?.metric ? question.difference : undefined } = options;
  // the difference asked for is one of accuracy, unless it was asked for with another metric
  const margin =
    metric === 'val_acc' || options.metric === undefined ? (options.difference ?? accuracyMargin(question)) : undefined;
  const read = filterRuns(all, options.filter ?? []);
  const groups = groupRuns(read);
  const columns = differingSettings(groups);
  const rows = groups.map((group) => row(group, columns));
  const usual = groups.some(({ name }) => name === question?.baseline) ? question!.baseline : undefined;
  const baseline = findBaseline(groups, rows, options.baseline ?? usual);
  const settled = { metric, alpha, paired, difference };
  const own = sweep && isItsOwn(sweep, { ...settled, baseline: groups[rows.indexOf(baseline)]!.name }, read);
  const asked = own ? sweep : undefined;
  if (asked) judgeSweep(groups, rows, baseline, asked, settled);
  else compareWithBaseline(rows, baseline, settled);
  if (metric === 'val_acc') addTestSet(rows, baseline, alpha);
  addPublished(groups, rows, { alpha, margin });
  const repeats = groups.flatMap((group) =>
    group.repeats.map((run) => ({
      path: printable(run.directory),
      reason: `repeats seed ${run.seed} of "${group.label}"`,
    })),
  );
  return {
    title: questionOf(all[0]!),
    ...settled,
    margin,
    baseline: baseline.config,
    procedure: asked ? sequentialProcedure(asked, settled) : fixedProcedure(rows.length - 1, settled, read),
    halving: halvingNote(all),
    columns,
    shared: Object.fromEntries(Object.entries(groups[0]!.settings).filter(([key]) => !columns.includes(key))),
    rows: sortRows(rows, options.sort ?? metric, columns),
    references: references(groups),
    skipped: [...skipped, ...repeats],
  };
}

/** One comparison per group of runs; default: a group for each question. */
export function compareEach(
  groups: readonly Run[][] | undefined,
  runs: readonly Run[],
  options: ComparisonOptions,
): Comparison[] {
  const asked = groups ?? byQuestion(filterRuns(runs, options.filter ?? []));
  const names = (own: readonly Run[]) => groupRuns(own).flatMap(({ name, label }) => [name, label]);
  const { baseline } = options;
  const known = asked.some((own) => baseline !== undefined && names(own).includes(baseline));
  return asked.map((own) => {
    const absent = known && !names(own).includes(baseline!);
    return compare(own, [], { ...options, ...(absent && { baseline: undefined }) });
  });
}

/** The values of a metric by seed, of the seeds that completed. */
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
  if (name === undefined) return rows.find(({ missing }) => !missing.stopped) ?? rows[0]!;
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

type Settled = Pick<Comparison, 'metric' | 'alpha' | 'paired' | 'difference'>;

function fixedProcedure(arms: number, { alpha, paired }: Settled, runs: readonly Run[]): string {
  const test = paired ? 'the paired t-test' : "Welch's t-test";
  const together = arms > 1 ? ` for ${arms} arms together (Bonferroni)` : '';
  const fixed = runs.some(({ sweep }) => sweep?.manifest.question)
    ? '; they assume a number of seeds fixed beforehand, but seeds were added until a question was decided, so wrong verdicts are more frequent than stated'
    : ', for a number of seeds fixed beforehand';
  return `${percent(1 - alpha)} intervals and p by ${test}${together}${fixed}`;
}

function sequentialProcedure({ question, directory }: Asked, { alpha, paired }: Settled): string {
  const test = paired ? 'paired t-test' : "Welch's t-test";
  return `${percent(1 - alpha)} intervals and p by repeated ${test}s, for all arms and looks of ${directory} together: seeds in blocks of ${question.block}, at most ${question.max_seeds}; each difference is over the seeds that both arms had at the arm's last look`;
}

/** The note on halving for the sweep that the runs belong to. */
function halvingNote(runs: readonly Run[]): string | undefined {
  const { halving, rungs = [] } = runs[0]?.sweep?.manifest ?? {};
  if (!halving || rungs.length === 0) return undefined;
  const arms = Object.keys(rungs[0]!.scores).length;
  const stops = rungs.map(({ epoch, stopped }) => `${stopped.length} after epoch ${epoch}`).join(', ');
  return `successive halving by ${halving.metric} stopped arms early: of ${arms}, ${stops}; they have no final score and enter no mean. The others were selected on the same seeds, so their scores are biased upward`;
}

/** The sweep that all runs belong to, if it asks a question. */
function sweepAsking(runs: readonly Run[]): Asked | undefined {
  const { directory, manifest } = runs[0]?.sweep ?? {};
  if (!directory || !manifest?.question || runs.some((run) => run.sweep?.directory !== directory)) return undefined;
  const { question, paired } = manifest;
  const arms = [...new Set(manifest.runs.map((run) => run.arm))];
  const runsNow = manifest.runs.map((run) => {
    return { ...run, status: recordedStatus(path.join(directory, run.directory)) ?? run.status }; // ended elsewhere
  });
  return { question, paired, arms, runs: runsNow, directory };
}

/** Whether the settled question is the sweep's own, and all runs that it has judged by are among those read. */
function isItsOwn(
  { question, paired, runs, directory }: Asked,
  settled: Settled & { baseline: string },
  read: readonly Run[],
): boolean {
  const own = { ...question, paired };
  const same = (['metric', 'baseline', 'difference', 'alpha', 'paired'] as const).every((k) => settled[k] === own[k]);
  const done = new Set(read.filter(isDone).map((run) => path.resolve(run.directory)));
  return same && runs.every((run) => !isDone(run) || done.has(path.resolve(directory, run.directory)));
}

type Asked = SweepWithQuestion & { directory: string };

/** Judges the arms as the sweep itself did, look by look. */
function judgeSweep(groups: Group[], rows: Row[], baseline: Row, asked: Asked, settled: Settled): void {
  const standing = standingOf(asked, asked.directory);
  const design = designFor(asked);
  rows.forEach((r, i) => {
    const judgement = standing.get(groups[i]!.runs[0]!.sweep!.arm);
    if (r === baseline || !judgement) return;
    const { verdict, finding, seeds } = withP(design, judgement);
    r.against = worded(r, baseline, { verdict, finding, seeds }, design.arms, settled);
  });
}

function compareWithBaseline(rows: Row[], baseline: Row, settled: Settled): void {
  const others = rows.filter((r) => r !== baseline);
  for (const r of others) r.against = against(r, baseline, others.length, settled);
}

function addPublished(groups: Group[], rows: Row[], { alpha, margin }: Pick<Comparison, 'alpha' | 'margin'>): void {
  const reports = groups.map(({ runs }) => runs[0]!.expected);
  const comparisons = reports.filter((expected) => expected?.val_acc !== undefined).length;
  reports.forEach((expected, i) => {
    if (expected?.val_acc !== undefined || expected?.diverges)
      rows[i]!.published = againstPublished(rows[i]!, expected, { alpha, comparisons, margin });
  });
}

/** `comparisons`: how many rows are compared together, including those that cannot be tested. */
function against(row: Row, baseline: Row, comparisons: number, settled: Settled): Against {
  const { metric, alpha, paired, difference } = settled;
  const [own, other] = [values(row, metric), values(baseline, metric)];
  const [a, b] = [own, other].map((scores) => scores.map(({ value }) => value)) as [number[], number[]];
  const estimate = [...a, ...b].every(Number.isFinite)
    ? paired
      ? pairedT(...pairs(own, other))
      : welch(a, b)
    : undefined;
  const finding = estimate && fixedFinding(estimate, alpha, comparisons);
  const verdict = finding ? verdictOf(finding, metrics[metric].best, difference) : 'undecided';
  const needed =
    estimate && verdict === 'undecided'
      ? moreSeeds(estimate, alpha / comparisons, Math.min(a.length, b.length), difference)
      : undefined;
  return worded(row, baseline, { verdict, finding, needed }, comparisons, settled);
}

/** Adds to the verdict the sentence and the numbers that are computed over all seeds. */
function worded(
  row: Row,
  baseline: Row,
  found: Pick<Against, 'verdict' | 'finding' | 'seeds' | 'needed'>,
  comparisons: number,
  { metric, alpha, difference, paired }: Settled,
): Against {
  const [own, other] = [values(row, metric), values(baseline, metric)];
  const [a, b] = [own, other].map((scores) => scores.map(({ value }) => value)) as [number[], number[]];
  const { finding } = found;
  const whole = {
    ...found,
    finding: finding && { ...finding, ...clipped(finding, metric) },
    improvement: improvement(a, b, metrics[metric].best, alpha / comparisons),
    correlation: correlation(...pairs(own, other)),
  };
  return { ...whole, sentence: sentence(row, baseline, metric, whole, { difference, paired }) };
}

/** Clips intervals of accuracies to ±100 points, which no difference can exceed. */
function clipped({ low, high }: { low: number; high: number }, metric: Metric): { low: number; high: number } {
  if (metric !== 'val_acc' && metric !== 'best_val_acc') return { low, high };
  return { low: Math.max(-100, low), high: Math.min(100, high) };
}

/** The values of the seeds that both rows have. */
function pairs(a: { seed: number; value: number }[], b: typeof a): [number[], number[]] {
  const bySeed = new Map(b.map(({ seed, value }) => [seed, value]));
  const both = a.filter(({ seed }) => bySeed.has(seed));
  return [both.map(({ value }) => value), both.map(({ seed }) => bySeed.get(seed)!)];
}

/**
 * Seeds per arm for a difference that was named beforehand; for the observed difference it would say no more than p.
 */
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

/** Arms of a sweep share the report of their base, so it is listed once. */
function references(groups: Group[]): Reference[] {
  const found = new Map<string, Reference>();
  for (const { name, runs } of groups) {
    const { expected, source } = runs[0]!;
    if (!expected) continue;
    const report = { ...expected, source };
    const key = JSON.stringify(report);
    found.set(key, { configs: [...new Set([...(found.get(key)?.configs ?? []), name])], ...report });
  }
  return [...found.values()];
}
