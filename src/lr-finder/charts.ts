import path from 'node:path';
import { finderValidation, lrFinder } from '../charts/lr-finder.js';
import { writeChart } from '../charts/render.js';
import type { ExperimentConfig } from '../config.js';
import { readJson } from '../results/read-run.js';
import { type Group, groupCurves, labelOf } from './curves.js';
import type { FinderSummary, Settings } from './finder.js';
import { suggest } from './suggestions.js';
import { readFinderRows } from './table.js';

/** Draws an LR finder's charts from its run folder; returns the PNGs' paths. */
export async function writeFinderCharts(directory: string): Promise<string[]> {
  const config = readJson(directory, 'config.json') as ExperimentConfig;
  const { settings } = readJson(directory, 'summary.json') as FinderSummary;
  const groups = groupCurves(readFinderRows(directory));
  const curves = groups.map((group) => ({ ...group, label: labelOf(group, groups), suggestions: suggest(group) }));
  const heading = { title: `LR finder: ${config.name}`, subtitle: subtitle(config, settings, groups) };
  const charts = {
    'lr-finder': lrFinder(curves, heading, settings.scale),
    ...(settings.validate && { 'lr-finder-validation': finderValidation(curves, heading, settings.scale) }),
  };
  for (const [name, spec] of Object.entries(charts)) await writeChart(directory, name, spec);
  return Object.keys(charts).map((name) => path.join(directory, `${name}.png`));
}

/** What was tested, and what all curves have in common. */
function subtitle({ model, dataset, optimizer }: ExperimentConfig, range: Settings, groups: Group[]): string[] {
  const depth = model.depth === undefined ? '' : `-${model.depth}`;
  const common = (['momentum', 'weight_decay', 'batch_size'] as const).flatMap((key) => {
    const values = new Set(groups.map((group) => group[key]));
    return values.size === 1 ? [`${key.replace('_size', '').replace('_', ' ')} ${[...values][0]}`] : [];
  });
  const seeds = groups[0]?.seeds ?? [];
  if (seeds.length > 0) common.push(`${seeds.length > 1 ? 'seeds' : 'seed'} ${seeds.join(', ')}`);
  return [
    [`${model.type}${depth} on ${dataset.type}`, optimizer.type, ...common].join(', '),
    `LR ${range.start} to ${range.end}, ${range.scale}, ${range.iterations} iterations`,
  ];
}
