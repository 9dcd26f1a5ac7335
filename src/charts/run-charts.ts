import path from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { z } from 'zod';
import { ClrError } from '../errors.js';
import type { IterationRow } from '../runs/columns.js';
import { readJsonAs, readMetrics, readUpdates } from '../runs/read-run.js';
import { curves } from './curves.js';
import { headingSchema, modelOnData } from './heading.js';
import { lossVsLr } from './loss-vs-lr.js';
import { lrMomentum } from './lr-momentum.js';
import { writeChart } from './render.js';
import { withLines } from './theme.js';

/**
 * Draws every chart of a run from its files; returns the PNGs' paths. Throws ClrError('data') if the files
 * are not those of a run, ClrError('failed') if a chart cannot be drawn, after the others.
 */
export async function writeRunCharts(directory: string, lrScale: 'linear' | 'log' = 'linear'): Promise<string[]> {
  const { updates: iterations, note } = readUpdates(directory);
  const heading = readHeading(directory);
  const noted = note ? withLines(heading, note) : heading;
  const metrics = readMetrics(directory);
  const diverged = lastIfDiverged(directory, iterations);
  const charts: Record<string, () => TopLevelSpec> = {
    'lr-momentum': () => lrMomentum(iterations, noted, { lrScale, diverged }),
    ...(!note && { 'loss-vs-lr': () => lossVsLr(iterations, heading, { lrScale, diverged }) }), // of batches
    curves: () => curves(metrics, heading, diverged?.epoch),
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

const summarySchema = z.looseObject({ status: z.string(), iterations: z.number() });

/** The update after which the run diverged; undefined: it did not. */
function lastIfDiverged(directory: string, rows: readonly IterationRow[]): IterationRow | undefined {
  const { status, iterations } = readJsonAs(summarySchema, directory, 'summary.json');
  return status === 'diverged' ? rows.findLast((row) => row.iteration < iterations) : undefined;
}

function readHeading(directory: string): { title: string; subtitle: string } {
  const config = readJsonAs(headingSchema, directory, 'config.json');
  const { name, schedule, batch_size, seed } = config;
  return { title: name, subtitle: `${modelOnData(config)}, ${schedule.type}, batch ${batch_size}, seed ${seed}` };
}
