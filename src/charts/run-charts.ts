import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ExperimentConfig } from '../config.js';
import { writeFinderCharts } from '../lr-finder/charts.js';
import { tableName } from '../lr-finder/table.js';
import { readIterations, readJson, readMetrics } from '../results/read-run.js';
import { curves } from './curves.js';
import { lossVsLr } from './loss-vs-lr.js';
import { lrMomentum } from './lr-momentum.js';
import { writeChart } from './render.js';

/** Draws every chart of a run or an LR finder from its files; returns the PNGs' paths. */
export async function writeRunCharts(directory: string, lrScale: 'linear' | 'log' = 'linear'): Promise<string[]> {
  if (existsSync(path.join(directory, tableName))) return writeFinderCharts(directory); // on the axis of its test
  const config = readJson(directory, 'config.json') as ExperimentConfig;
  const heading = { title: config.name, subtitle: subtitle(config) };
  const iterations = readIterations(directory);
  const charts = {
    'lr-momentum': lrMomentum(iterations, heading, { lrScale }),
    'loss-vs-lr': lossVsLr(iterations, heading, { lrScale }),
    curves: curves(readMetrics(directory), heading),
  };
  for (const [name, spec] of Object.entries(charts)) await writeChart(directory, name, spec);
  return Object.keys(charts).map((name) => path.join(directory, `${name}.png`));
}

function subtitle({ model, dataset, schedule, batch_size, seed }: ExperimentConfig): string {
  const depth = model.depth === undefined ? '' : `-${model.depth}`;
  return `${model.type}${depth} on ${dataset.type}, ${schedule.type}, batch ${batch_size}, seed ${seed}`;
}
