import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import type { Setting } from '../runs/read-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { duration } from '../terminal/duration.js';
import type { Comparison, Reference } from './comparison.js';
import { publishedCells, publishedNote } from './published.js';
import { missingText, type Row } from './row.js';
import { fixed, percent, probability, reasonForNone, withStd } from './sentence.js';

/** The columns of a table. */
export interface TableOptions {
  /** Metrics and settings to add as columns. */
  columns?: string[];
  /** Add a column for each setting that differs. */
  settings?: boolean;
  /** Compare each config with the value that its source reports instead of the baseline. */
  published?: boolean;
}

/** A table as people read it: text, Markdown, LaTeX and HTML differ only in layout. */
export interface Table {
  head: string[];
  body: string[][];
}

/** Label, n, score, difference, interval, p, P(A>B), verdict; then further columns, with dashes where a key is unknown. */
export function cells(comparison: Comparison, options: TableOptions = {}): Table {
  if (options.published) return publishedCells(comparison);
  const { rows, metric, baseline, shared } = comparison;
  const more = moreColumns(comparison, options);
  const head = ['config', 'n', metrics[metric].title, 'difference', interval(comparison), 'p', 'P(A>B)', 'verdict'];
  const body = rows.map((row) => [
    row.config,
    count(row),
    scoreCell(row, metric),
    ...againstCells(row, metric, row.config === baseline),
    ...more.map((key) => (isMetric(key) ? scoreCell(row, key) : settingCell(row.settings[key] ?? shared[key]))),
  ]);
  const reported = shownReports(comparison).map(({ configs, val_acc, std, diverges }) => [
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

/** The reports that a table shows: those with the same configs and values once, whatever their notes. */
export function shownReports({ references }: Comparison): Reference[] {
  const shown = references.map((report) => {
    const { configs, val_acc, std, diverges } = report;
    return [JSON.stringify([configs, val_acc, std, diverges]), report] as const;
  });
  return [...new Map(shown).values()];
}

function interval({ alpha }: Comparison): string {
  return `${percent(1 - alpha)} interval`;
}

function moreColumns({ columns }: Comparison, options: TableOptions): string[] {
  return [...new Set([...(options.columns ?? []), ...(options.settings ? columns : [])])];
}

/** Throws ClrError('usage') for a column that none of the tables knows. */
export function checkColumns(wanted: readonly string[], comparisons: readonly Comparison[]): void {
  const settings = comparisons.flatMap(({ columns, shared }) => [...columns, ...Object.keys(shared)]);
  const known = [...new Set([...Object.keys(metrics), ...settings])];
  for (const key of wanted)
    if (!known.includes(key))
      throw new ClrError(
        'usage',
        `--columns: no column is called "${key}"${didYouMean(key, known)}`,
        `known: ${known.join(', ')}`,
      );
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

/** A value of a metric in its own unit and number of digits; a dash if it is unknown. */
export function measured(value: number, metric: Metric, std = Number.NaN): string {
  return metric === 'seconds' ? duration(value) : withStd(value, std, metrics[metric].digits);
}

function reportOf([first, ...others]: string[]): string {
  return `${first}${others.length > 0 ? ` and ${others.length} more` : ''}, reported`;
}

/** The text under a table: a sentence per arm, how the verdicts were reached, the source of each report. */
export function notesOf(comparison: Comparison, options: TableOptions = {}): { sentences: string[]; notes: string[] } {
  const { rows, references, procedure, metric } = comparison;
  const sentences = sentencesOf(comparison);
  const sources = sourcesOf(references);
  if (options.published) {
    const reports = [...sources.keys()].map((source) => `published: ${source}`);
    return { sentences: [], notes: [publishedNote(comparison), ...reports] };
  }
  const cut = rows.some(({ against }) => against?.finding?.low === -100 || against?.finding?.high === 100);
  const notes = sentences.length > 0 ? [procedure, ...pairing(comparison)] : [];
  if (comparison.halving) notes.push(comparison.halving);
  notes.push(...testSet(rows));
  if (cut) notes.push('intervals are clipped to ±100: no difference between accuracies can be larger');
  if (metric === 'best_val_acc')
    notes.push('the best epoch is chosen on the images that score it, which is optimistic: compare final accuracies');
  const reported = [...sources].map(([source, configs]) => [reportOf(configs), source].filter(Boolean).join(': '));
  return { sentences, notes: [...notes, ...reported] };
}

/** A sentence per arm; arms that cannot be tested share one sentence per reason. */
function sentencesOf({ rows, baseline, paired }: Comparison): string[] {
  const reference = rows.find(({ config }) => config === baseline)!;
  const sentences = rows.flatMap(({ against }) => (against?.finding ? [against.sentence] : []));
  const silent = new Map<string, string[]>(); // reason -> arms
  for (const row of rows) {
    if (!row.against || row.against.finding) continue;
    const reason = reasonForNone(row, reference, { ...row.against, paired });
    silent.set(reason, [...(silent.get(reason) ?? []), row.config]);
  }
  for (const [reason, arms] of silent)
    sentences.push(`${arms.length > 3 ? `${arms.length} configs` : arms.join('; ')}: ${reason}`);
  return sentences;
}

/** The sources of the reports, each with the configs that it covers. */
function sourcesOf(references: readonly Reference[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { configs, source, note } of references) {
    const text = [source, note].filter(Boolean).join('; ');
    found.set(text, [...(found.get(text) ?? []), ...configs]);
  }
  return found;
}

const maxNamed = 12; // arms in a note; JSON has all

/** "A: 0.88; B: 0.34": labels may contain commas. */
const entries = (items: readonly string[]) => items.slice(0, maxNamed).join('; ');

/** How much of the spread comes from the finite test set. */
function testSet(rows: readonly Row[]): string[] {
  const spread = rows.flatMap(({ config, imageStd, scores }) =>
    imageStd !== undefined && Number.isFinite(imageStd)
      ? [`${config}: ${imageStd.toFixed(2)} (${scores.val_acc.std.toFixed(2)})`]
      : [],
  );
  const others = rows.flatMap(({ config, against }) =>
    against?.otherImages
      ? [`${config}: [${against.otherImages.low.toFixed(2)}, ${against.otherImages.high.toFixed(2)}]`]
      : [],
  );
  return [
    ...(spread.length > 0
      ? [`standard deviation expected from the finite test set alone (observed): ${entries(spread)}`]
      : []),
    ...(others.length > 0
      ? [`interval if other seeds and other test images were drawn (bootstrap): ${entries(others)}`]
      : []),
  ];
}

/** The gain from pairing by seed. */
function pairing({ rows, paired }: Comparison): string[] {
  const known = rows.flatMap(({ against, config }) =>
    against && Number.isFinite(against.correlation) ? [`${config}: ${against.correlation.toFixed(2)}`] : [],
  );
  if (known.length === 0) return [];
  const multiplies = paired ? 'multiplies' : 'would multiply';
  const effect = `pairing by seed ${multiplies} the variance of the difference by about 1-r`;
  return [`correlation r with the baseline over seeds (${effect}): ${entries(known)}`];
}
