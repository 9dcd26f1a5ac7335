import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import type { Setting } from '../runs/read-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { duration } from '../terminal/duration.js';
import type { Comparison, Reference } from './comparison.js';
import { publishedCells, publishedNote } from './published.js';
import { missingText, type Row } from './row.js';
import { fixed, percent, probability, reasonForNone, withStd } from './sentence.js';

/** Which columns a table has besides the first ones. */
export interface TableOptions {
  /** Metrics and settings, each a column. */
  columns?: string[];
  /** Every setting that differs, each a column. */
  settings?: boolean;
  /** Each config against the value that its source reports, instead of against the baseline. */
  published?: boolean;
}

/** A table as people read it: text, Markdown, LaTeX and HTML differ in nothing but its frame. */
export interface Table {
  head: string[];
  body: string[][];
}

/** Label, n, score, difference, interval, p, P(A>B), verdict; then what was asked for. Throws ClrError('usage') for no column. */
export function cells(comparison: Comparison, options: TableOptions = {}): Table {
  if (options.published) return publishedCells(comparison);
  const { rows, references, metric, baseline } = comparison;
  const more = moreColumns(comparison, options);
  const head = ['config', 'n', metrics[metric].title, 'difference', interval(comparison), 'p', 'P(A>B)', 'verdict'];
  const body = rows.map((row) => [
    row.config,
    count(row),
    scoreCell(row, metric),
    ...againstCells(row, metric, row.config === baseline),
    ...more.map((key) => (isMetric(key) ? scoreCell(row, key) : settingCell(row.settings[key]))),
  ]);
  const reported = references.map(({ configs, val_acc, std, diverges }) => [
    reportOf(configs),
    '',
    metric === 'val_acc' ? withStd(val_acc ?? Number.NaN, std ?? Number.NaN, 2) : '-',
    ...['', '', '', '', diverges ? 'diverges' : ''],
    ...more.map(() => ''),
  ]);
  return {
    head: [...head, ...more.map((key) => (isMetric(key) ? metrics[key].title : key))],
    body: [...body, ...reported],
  };
}

function interval({ alpha }: Comparison): string {
  return `${percent(1 - alpha)} interval`;
}

function moreColumns({ columns, shared }: Comparison, options: TableOptions): string[] {
  const known = [...Object.keys(metrics), ...columns, ...Object.keys(shared)];
  const unknown = options.columns?.find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new ClrError(
      'usage',
      `--columns: no column is called "${unknown}"${didYouMean(unknown, known)}`,
      `known: ${[...Object.keys(metrics), ...columns].join(', ')}`,
    );
  return [...new Set([...(options.columns ?? []), ...(options.settings ? columns : [])])];
}

/** "5", or "3/5: 1 diverged, 1 failed" */
function count({ n, runs, missing }: Row): string {
  return n === runs.length ? String(n) : `${n}/${runs.length}: ${missingText(missing)}`;
}

function againstCells({ against }: Row, metric: Metric, isBaseline: boolean): string[] {
  if (!against) return ['', '', '', '', isBaseline ? 'baseline' : ''];
  const { finding, improvement, verdict } = against;
  const { digits } = metrics[metric];
  const signed = (value: number) => `${value < 0 ? '' : '+'}${fixed(value, digits)}`;
  const better = improvement
    ? `${improvement.probability.toFixed(2)} [${improvement.low.toFixed(2)}, ${improvement.high.toFixed(2)}]`
    : '-';
  const judged = finding || verdict === 'diverges' ? verdict : '-';
  if (!finding) return ['-', '-', '-', better, judged];
  const { low, high } = finding;
  return [signed(finding.difference), `[${signed(low)}, ${signed(high)}]`, probability(finding.p), better, judged];
}

/** A setting as tables show it. */
export function settingCell(value: Setting | undefined): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(12))) : String(value ?? '-');
}

function isMetric(key: string): key is Metric {
  return key in metrics;
}

function scoreCell(row: Row, metric: Metric): string {
  const { mean, std } = row.scores[metric];
  return measured(mean, metric, metric === 'images_per_second' ? Number.NaN : std);
}

/** A value of a metric, in the unit and with the digits that suit; a dash where it is not known. */
export function measured(value: number, metric: Metric, std = Number.NaN): string {
  return metric === 'seconds' ? duration(value) : withStd(value, std, metrics[metric].digits);
}

function reportOf([first, ...others]: string[]): string {
  return `${first}${others.length > 0 ? ` and ${others.length} more` : ''}, reported`;
}

/** What stands under the table: a sentence an arm, how the verdicts came about, where each report comes from. */
export function notesOf(comparison: Comparison, options: TableOptions = {}): { sentences: string[]; notes: string[] } {
  const { rows, references, procedure, metric } = comparison;
  const sentences = sentencesOf(comparison);
  const sources = sourcesOf(references);
  if (options.published) {
    const reports = [...sources.keys()].map((source) => `published: ${source}`);
    return { sentences: [], notes: [publishedNote(comparison), ...reports] };
  }
  const cut = rows.some(({ against }) => against?.finding?.low === -100 || against?.finding?.high === 100);
  const notes = sentences.length > 0 ? [procedure, ...pairing(rows)] : [];
  if (comparison.halving) notes.push(comparison.halving);
  notes.push(...testSet(rows));
  if (cut) notes.push('intervals are cut off at 100: no difference of accuracies is larger');
  if (metric === 'best_val_acc')
    notes.push('the best of all epochs, on the images it is measured by, is optimistic: compare final accuracies');
  const reported = [...sources].map(([source, configs]) => [reportOf(configs), source].filter(Boolean).join(': '));
  return { sentences, notes: [...notes, ...reported] };
}

/** A sentence an arm; those of which nothing can be said share one for each reason. */
function sentencesOf({ rows, baseline }: Comparison): string[] {
  const reference = rows.find(({ config }) => config === baseline)!;
  const sentences = rows.flatMap(({ against }) => (against?.finding ? [against.sentence] : []));
  const silent = new Map<string, string[]>(); // reason -> arms
  for (const row of rows) {
    if (!row.against || row.against.finding) continue;
    const reason = reasonForNone(row, reference);
    silent.set(reason, [...(silent.get(reason) ?? []), row.config]);
  }
  for (const [reason, arms] of silent)
    sentences.push(`${arms.length > 3 ? `${arms.length} configs` : arms.join('; ')}: ${reason}`);
  return sentences;
}

/** Where reports come from, each with the configs that it reports. */
function sourcesOf(references: readonly Reference[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { configs, source, note } of references) {
    const text = [source, note].filter(Boolean).join('; ');
    found.set(text, [...(found.get(text) ?? []), ...configs]);
  }
  return found;
}

const mostNamed = 12; // arms in a note; JSON has all

/** What the test set's images contribute. */
function testSet(rows: readonly Row[]): string[] {
  const spread = rows.flatMap(({ config, imageStd, scores }) =>
    imageStd !== undefined && Number.isFinite(imageStd)
      ? [`${config} ${imageStd.toFixed(2)} of ${scores.val_acc.std.toFixed(2)}`]
      : [],
  );
  const others = rows.flatMap(({ config, against }) =>
    against?.otherImages
      ? [`${config} [${against.otherImages.low.toFixed(2)}, ${against.otherImages.high.toFixed(2)}]`]
      : [],
  );
  const list = (items: string[]) => items.slice(0, mostNamed).join(', ');
  return [
    ...(spread.length > 0 ? [`standard deviation between seeds that the test images alone make: ${list(spread)}`] : []),
    ...(others.length > 0 ? [`difference with other seeds and other test images (bootstrap): ${list(others)}`] : []),
  ];
}

/** What pairing by seed would have gained, or does. */
function pairing(rows: readonly Row[]): string[] {
  const known = rows.flatMap(({ against, config }) =>
    against && Number.isFinite(against.correlation) ? [`${config} ${against.correlation.toFixed(2)}`] : [],
  );
  if (known.length === 0) return [];
  const meaning = 'at r pairing multiplies the variance of the difference by about 1 - r';
  return [`correlation with the baseline over seeds: ${known.slice(0, mostNamed).join(', ')}; ${meaning}`];
}
