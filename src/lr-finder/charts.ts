import path from 'node:path';
import { z } from 'zod';
import { type HeadingConfig, headingSchema, modelOnData } from '../charts/heading.js';
import { writeChart } from '../charts/render.js';
import { readFinderRows } from '../runs/finder-columns.js';
import { readJsonAs } from '../runs/read-run.js';
import { finderValidation, lrFinder } from './chart-panels.js';
import { type Group, groupCurves, labelOf } from './curves.js';
import { suggest } from './suggestions.js';

/** The part of a finder's summary.json that its charts need. */
const summarySchema = z.looseObject({
  settings: z.object({
    ...{ start: z.number(), end: z.number(), iterations: z.number() },
    scale: z.enum(['linear', 'exponential']),
    validate: z.boolean(),
    smooth: z.enum(['local', 'average']).default('average'),
  }),
  classes: z.number(),
  status: z.string(),
});

type Range = z.output<typeof summarySchema>['settings'];

/**
 * Draws an LR finder's charts from its run folder, by default on the axis of its test; returns the PNGs' paths. Throws
 * ClrError('data') if the files are not those of an LR finder.
 */
export async function writeFinderCharts(directory: string, lrScale?: 'linear' | 'log'): Promise<string[]> {
  const config = readJsonAs(headingSchema, directory, 'config.json');
  const { settings, classes, status } = readJsonAs(summarySchema, directory, 'summary.json');
  const scale = lrScale === 'log' ? 'exponential' : (lrScale ?? settings.scale);
  const groups = groupCurves(readFinderRows(directory), settings.smooth);
  const curves = groups.map((group) => {
    return { ...group, label: labelOf(group, groups), suggestions: suggest(group, classes, settings.iterations) };
  });
  const interrupted = status === 'interrupted' ? ' (interrupted)' : '';
  const heading = { title: `LR finder: ${config.name}${interrupted}`, subtitle: subtitle(config, settings, groups) };
  const charts = {
    'lr-finder': lrFinder(curves, heading, scale),
    ...(settings.validate && { 'lr-finder-validation': finderValidation(curves, heading, scale) }),
  };
  for (const [name, spec] of Object.entries(charts)) await writeChart(directory, name, spec);
  return Object.keys(charts).map((name) => path.join(directory, `${name}.png`));
}

/** What was tested, and what all curves have in common. */
function subtitle(config: HeadingConfig, range: Range, groups: Group[]): string[] {
  const common = (['momentum', 'weight_decay', 'batch_size'] as const).flatMap((key) => {
    const values = new Set(groups.map((group) => group[key]));
    return values.size === 1 ? [`${key.replace('_size', '').replace('_', ' ')} ${[...values][0]}`] : [];
  });
  const seeds = groups[0]?.seeds ?? [];
  if (seeds.length > 0) common.push(`${seeds.length > 1 ? 'seeds' : 'seed'} ${seeds.join(', ')}`);
  return [
    [modelOnData(config), config.optimizer.type, ...common].join(', '),
    `LR ${range.start} to ${range.end}, ${range.scale}, ${range.iterations} iterations`,
  ];
}
