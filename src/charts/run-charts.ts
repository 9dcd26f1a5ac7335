import { existsSync } from 'node:fs';
import path from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { z } from 'zod';
import { ClrError } from '../errors.js';
import { writeFinderCharts } from '../lr-finder/charts.js';
import { tableName } from '../lr-finder/table.js';
import { printable } from '../results/printable.js';
import { readIterations, readJsonAs, readMetrics } from '../results/read-run.js';
import { curves } from './curves.js';
import { lossVsLr } from './loss-vs-lr.js';
import { lrMomentum } from './lr-momentum.js';
import { writeChart } from './render.js';

/**
 * Draws every chart of a run or an LR finder from its files; returns the PNGs' paths. Throws ClrError('data') where the files
 * are not those of a run, ClrError('failed') where a chart cannot be drawn, after the others.
 */
export async function writeRunCharts(directory: string, lrScale: 'linear' | 'log' = 'linear'): Promise<string[]> {
  if (existsSync(path.join(directory, tableName))) return writeFinderCharts(directory); // on the axis of its test
  const heading = readHeading(directory);
  const [iterations, metrics] = [readIterations(directory), readMetrics(directory)];
  const charts: Record<string, () => TopLevelSpec> = {
    'lr-momentum': () => lrMomentum(iterations, heading, { lrScale }),
    'loss-vs-lr': () => lossVsLr(iterations, heading, { lrScale }),
    curves: () => curves(metrics, heading),
  };
  const problems: string[] = [];
  for (const [name, spec] of Object.entries(charts)) {
    await drawn(directory, name, spec).catch((error: Error) => problems.push(`${name} (${error.message})`));
  }
  if (problems.length === 0) return Object.keys(charts).map((name) => path.join(directory, `${name}.png`));
  throw new ClrError(
    'failed',
    `${directory}: cannot draw the chart ${problems.join(', ')}`,
    `its numbers are safe in the CSV files; draw it again with \`clr plot ${directory}\``,
  );
}

async function drawn(directory: string, name: string, spec: () => TopLevelSpec): Promise<void> {
  await writeChart(directory, name, spec());
}

/** The run may be another's: of its config only this counts, and only as text. */
const text = z.string().transform((value) => printable(value).slice(0, 100));
const typed = z.looseObject({ type: text });
const headingSchema = z.looseObject({
  name: text,
  seed: z.number(),
  batch_size: z.number(),
  model: typed.extend({ depth: z.number().optional() }),
  dataset: typed,
  schedule: typed,
});

function readHeading(directory: string): { title: string; subtitle: string } {
  const { name, model, dataset, schedule, batch_size, seed } = readJsonAs(headingSchema, directory, 'config.json');
  const depth = model.depth === undefined ? '' : `-${model.depth}`;
  const subtitle = `${model.type}${depth} on ${dataset.type}, ${schedule.type}, batch ${batch_size}, seed ${seed}`;
  return { title: name, subtitle };
}
