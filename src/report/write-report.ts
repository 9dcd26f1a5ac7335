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

/** Writes the report to `file` atomically. Throws ClrError('usage') for a file that is not HTML. */
export async function writeReport(
  file: string,
  comparisons: readonly Comparison[],
  skipped: readonly Skipped[],
  title?: string,
): Promise<void> {
  const { ext } = parse(file);
  if (ext !== '.html') throw new ClrError('usage', `${file}: a report is an HTML file`, 'e.g. report.html');
  const unread: Skipped[] = [];
  const unreadable = (run: Skipped) => unread.push(run);
  const series = comparisons.flatMap((comparison) =>
    readSeries(comparison, unreadable, comparisons.length > 1 ? comparison.title : undefined),
  );
  const drawn = [];
  for (const comparison of comparisons) {
    const chart = await renderPng(compareChart(comparison, readCurves(comparison, unreadable)));
    drawn.push({ comparison, chart });
  }
  const configs = comparisons.flatMap(({ rows }) => rows);
  const heading = title ?? (configs.length > 1 ? `Comparison of ${configs.length} configs` : configs[0]!.config);
  const left = [...skipped, ...comparisons.flatMap((comparison) => comparison.skipped)];
  writeOutput(file, report({ comparisons: drawn, series, skipped: left, unread, title: heading }));
}
