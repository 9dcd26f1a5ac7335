import { stringify } from 'csv-stringify/sync';
import type { Setting } from '../runs/read-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { duration } from '../terminal/duration.js';
import type { Comparison } from './comparison.js';
import type { Row } from './row.js';
import { fixed } from './sentence.js';

/** A table for the terminal, then a sentence an arm. */
export function toText(comparison: Comparison): string {
  const { head, body } = cells(comparison);
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((row) => row[i]!.length)));
  const numeric = head.map((_, i) => body.every((row) => /^$|^-|^\d/.test(row[i]!)));
  const line = (row: string[]) =>
    row
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  // cli-table3 takes seconds for a thousand rows
  return `${[line(head), rule, ...body.map(line), ...closing(comparison, (text) => text)].join('\n')}\n`;
}

/** The same as a Markdown table and list. */
export function toMarkdown(comparison: Comparison): string {
  const { head, body } = cells(comparison);
  const line = (row: string[]) => `| ${row.map(escapeMarkdown).join(' | ')} |`;
  const sentences = closing(comparison, (text) => (text ? `- ${escapeMarkdown(text)}` : ''));
  return `${[line(head), `|${head.map(() => ' --- |').join('')}`, ...body.map(line), ...sentences].join('\n')}\n`;
}

/** All that the comparison holds; numbers that are not known are null. */
export function toJson(comparison: Comparison): string {
  return `${JSON.stringify(comparison, null, 2)}\n`;
}

/** One line a row with full digits; the `kind` of a row is `runs` or `reported`. */
export function toCsv(comparison: Comparison): string {
  const { columns, rows, references, baseline } = comparison;
  const names = Object.keys(metrics) as Metric[];
  const number = (value: number | undefined) => (value === undefined || !Number.isFinite(value) ? '' : String(value));
  const lines = rows.map(({ config, settings, n, missing, scores, against }) => ({
    kind: 'runs',
    config: plain(config),
    ...Object.fromEntries(columns.map((key) => [key, plain(settings[key])])),
    n,
    missing: missingText(missing),
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`${name}_mean`, number(scores[name].mean)],
        [`${name}_std`, number(scores[name].std)],
      ]),
    ),
    baseline: plain(baseline),
    test: against?.finding?.test,
    difference: number(against?.finding?.difference),
    ci_low: number(against?.finding?.low),
    ci_high: number(against?.finding?.high),
    p: number(against?.finding?.p),
    p_better: number(against?.improvement?.probability),
    verdict: against?.verdict,
  }));
  const reported = references.map(({ configs, val_acc, std }) => ({
    kind: 'reported',
    config: plain(configs.join('; ')),
    val_acc_mean: number(val_acc),
    val_acc_std: number(std),
  }));
  return stringify([...lines, ...reported], { header: true, columns: Object.keys(lines[0]!) });
}

/** The table that people read: text, Markdown and HTML differ in nothing but its frame. */
export function cells({ columns, rows, references }: Comparison): { head: string[]; body: string[][] } {
  const names = Object.keys(metrics) as Metric[];
  const head = ['config', ...columns, 'n', ...names.map((name) => metrics[name].title), 'without score'];
  const body = rows.map((row) => [
    row.config,
    ...columns.map((key) => settingCell(row.settings[key])),
    String(row.n),
    ...names.map((name) => scoreCell(row, name)),
    missingText(row.missing),
  ]);
  const reported = references.map(({ configs, val_acc, std, diverges }) => [
    reportOf(configs),
    ...columns.map(() => ''),
    '',
    ...names.map((name) => (name === 'val_acc' ? withStd(val_acc ?? Number.NaN, std ?? Number.NaN, 2) : '')),
    diverges ? 'yes' : '',
  ]);
  return { head, body: [...body, ...reported] };
}

/** "1 diverged, 2 failed" */
export function missingText(missing: Row['missing']): string {
  return Object.entries(missing)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');
}

/** A setting as tables show it. */
export function settingCell(value: Setting | undefined): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(12))) : String(value ?? '-');
}

function scoreCell(row: Row, metric: Metric): string {
  const { mean, std } = row.scores[metric];
  return measured(mean, metric, metric === 'images_per_second' ? Number.NaN : std);
}

/** A value of a metric, in the unit and with the digits that suit; a dash where it is not known. */
export function measured(value: number, metric: Metric, std = Number.NaN): string {
  return metric === 'seconds' ? duration(value) : withStd(value, std, metrics[metric].digits);
}

function withStd(mean: number, std: number, digits: number): string {
  if (!Number.isFinite(mean)) return '-';
  return `${fixed(mean, digits)}${Number.isFinite(std) ? ` ± ${fixed(std, digits)}` : ''}`;
}

function reportOf([first, ...others]: string[]): string {
  return `${first}${others.length > 0 ? ` and ${others.length} more` : ''}, reported`;
}

function closing(comparison: Comparison, format: (text: string) => string): string[] {
  const { sentences, sources } = said(comparison);
  const { metric, baseline } = comparison;
  const compared = sentences.length > 0 ? ['', `${metrics[metric].what}, against ${baseline}:`, ''] : [];
  return [...compared, ...sentences.map(format), ...(sources.length > 0 ? [''] : []), ...sources.map(format)];
}

/** What stands under the table: a sentence an arm, and where each report comes from. */
export function said({ rows, references }: Comparison): { sentences: string[]; sources: string[] } {
  const sentences = rows.flatMap((row) => (row.against ? [row.against.sentence] : []));
  const sources = references.map(({ configs, source, note }) =>
    [reportOf(configs), [source, note].filter(Boolean).join('; ')].filter(Boolean).join(': '),
  );
  return { sentences, sources };
}

/** A cell of a CSV file: text that a spreadsheet does not take for a formula, true and false as words. */
export function plain(value: Setting | undefined): string | number | null | undefined {
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' && /^[=+\-@]/.test(value) ? `'${value}` : value;
}

/** What Markdown or HTML would read as marks stands as itself. */
function escapeMarkdown(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  return text.replace(/[&<>]/g, (c) => entities[c]!).replace(/[\\`*_{}[\]|~#!]/g, '\\$&');
}
