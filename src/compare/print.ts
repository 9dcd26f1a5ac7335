import { stringify } from 'csv-stringify/sync';
import type { Setting } from '../runs/read-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { cells, notesOf, shownReports, type TableOptions } from './cells.js';
import type { Comparison } from './comparison.js';
import { missingText } from './row.js';
import { textTable, wrap } from './text-table.js';

/** Width in characters where the terminal's is unknown. */
const defaultWidth = 100;

/** A text table per comparison, then a sentence per arm. */
export function toText(comparisons: readonly Comparison[], options: TableOptions = {}, width = defaultWidth): string {
  const several = comparisons.length > 1;
  const parts = comparisons.map((comparison) => {
    const { sentences, notes } = notesOf(comparison, options);
    const lines = [
      ...(several ? [...wrap(comparison.title, width), ''] : []),
      ...textTable(cells(comparison, options), width),
      ...(sentences.length > 0 ? ['', ...sentences.flatMap((text) => wrap(text, width))] : []),
      ...(notes.length > 0 ? ['', ...notes.flatMap((text) => wrap(text, width))] : []),
    ];
    return `${lines.join('\n')}\n`;
  });
  return parts.join('\n');
}

/** The same, as Markdown tables and lists. */
export function toMarkdown(comparisons: readonly Comparison[], options: TableOptions = {}): string {
  const line = (row: string[]) => `| ${row.map(escapeMarkdown).join(' | ')} |`;
  const items = (texts: string[]) =>
    texts.length > 0 ? ['', ...texts.map((text) => `- ${escapeMarkdown(text)}`)] : [];
  const parts = comparisons.map((comparison) => {
    const { head, body } = cells(comparison, options);
    const { sentences, notes } = notesOf(comparison, options);
    const title = comparisons.length > 1 ? [`### ${escapeMarkdown(comparison.title)}`, ''] : [];
    const rule = `|${head.map(() => ' --- |').join('')}`;
    return `${[...title, line(head), rule, ...body.map(line), ...items(sentences), ...items(notes)].join('\n')}\n`;
  });
  return parts.join('\n');
}

/** LaTeX tables with booktabs rules; the notes as comments. */
export function toLatex(comparisons: readonly Comparison[], options: TableOptions = {}): string {
  const line = (row: string[]) => `${row.map(escapeLatex).join(' & ')} \\\\`;
  const parts = comparisons.map((comparison) => {
    const { head, body } = cells(comparison, options);
    const { sentences, notes } = notesOf(comparison, options);
    return [
      `% ${comparison.title}; needs \\usepackage{booktabs}`,
      `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`,
      ...['\\toprule', line(head), '\\midrule', ...body.map(line), '\\bottomrule', '\\end{tabular}'],
      ...[...sentences, ...notes].map((text) => `% ${text}`),
      '',
    ].join('\n');
  });
  return parts.join('\n');
}

/** The comparisons with all digits; unknown numbers are null. */
export function toJson(comparisons: readonly Comparison[]): string {
  return `${JSON.stringify(comparisons, null, 2)}\n`;
}

/** One line per row, numbers to seven digits; the `kind` of a row is `runs` or `reported`. */
export function toCsv(comparisons: readonly Comparison[]): string {
  const lines = comparisons.flatMap(csvLines);
  const columns = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  return stringify(lines, { header: true, columns });
}

function csvLines(comparison: Comparison): Record<string, unknown>[] {
  const { title, columns, rows, baseline, metric } = comparison;
  const names = Object.keys(metrics) as Metric[];
  const number = (value: number | undefined) =>
    value === undefined || !Number.isFinite(value) ? '' : String(Number(value.toPrecision(7)));
  const lines = rows.map(({ config, settings, n, runs, missing, scores, against, published }) => ({
    kind: 'runs',
    question: csvCell(title),
    config: csvCell(config),
    ...Object.fromEntries(columns.map((key) => [key, csvCell(settings[key])])),
    n,
    planned: runs.length,
    missing: missingText(missing),
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`${name}_mean`, number(scores[name].mean)],
        [`${name}_std`, number(scores[name].std)],
      ]),
    ),
    baseline: csvCell(baseline),
    metric,
    test: against?.finding?.test,
    difference: number(against?.finding?.difference),
    ci_low: number(against?.finding?.low),
    ci_high: number(against?.finding?.high),
    p: number(against?.finding?.p),
    p_better: number(against?.improvement?.probability),
    p_better_low: number(against?.improvement?.low),
    p_better_high: number(against?.improvement?.high),
    verdict: against?.verdict,
    published: number(published?.val_acc),
    published_difference: number(published?.finding?.difference),
    published_ci_low: number(published?.finding?.low),
    published_ci_high: number(published?.finding?.high),
    published_verdict: published?.verdict,
  }));
  const reported = shownReports(comparison).map(({ configs, val_acc, std }) => ({
    kind: 'reported',
    question: csvCell(title),
    config: csvCell(configs.join('; ')),
    val_acc_mean: number(val_acc),
    val_acc_std: number(std),
  }));
  return [...lines, ...reported];
}

/** A CSV cell: text that a spreadsheet does not read as a formula; booleans as words. */
export function csvCell(value: Setting | undefined): string | number | null | undefined {
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' && /^[=+\-@]/.test(value) ? `'${value}` : value;
}

/** Escapes the characters that Markdown or HTML would interpret. */
function escapeMarkdown(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  return text.replace(/[&<>]/g, (c) => entities[c]!).replace(/[\\`*_{}[\]|~#!]/g, '\\$&');
}

/** Escapes the characters that LaTeX would interpret; ± becomes a command. */
function escapeLatex(text: string): string {
  const marks: Record<string, string> = {
    '\\': '\\textbackslash{}',
    '~': '\\textasciitilde{}',
    '^': '\\textasciicircum{}',
    '±': '$\\pm$',
    '<': '$<$',
    '>': '$>$',
  };
  return text.replace(/[\\~^±<>]|[&%$#_{}]/g, (c) => marks[c] ?? `\\${c}`);
}
