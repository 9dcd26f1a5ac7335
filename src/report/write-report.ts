import { parse } from 'node:path';
import { renderPng } from '../charts/render.js';
import { compareChart } from '../compare/charts/charts.js';
import type { Comparison } from '../compare/comparison.js';
import { readCurves } from '../compare/read-curves.js';
import { ClrError } from '../errors.js';
import type { Skipped } from '../runs/find-runs.js';
import { writeOutput } from '../system/atomic.js';
import { report } from './report.js';
import { readSeries } from './series.js';

/** Writes the report to `file`, whole or not at all. Throws ClrError('usage') for a file that is no HTML. */
export async function writeReport(file: string, comparison: Comparison, title?: string): Promise<void> {
  const { ext } = parse(file);
  if (ext !== '.html') throw new ClrError('usage', `${file}: a report is an HTML file`, 'e.g. report.html');
  const unread: Skipped[] = [];
  const curves = readCurves(comparison, (run) => unread.push(run));
  const series = readSeries(comparison, (run) => unread.push(run));
  const chart = await renderPng(compareChart(comparison, curves));
  const count = comparison.rows.length;
  const heading = title ?? (count > 1 ? `Comparison of ${count} configs` : comparison.baseline);
  writeOutput(file, report({ comparison, chart, series, unread, title: heading }));
}
