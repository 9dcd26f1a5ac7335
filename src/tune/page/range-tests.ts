import path from 'node:path';
import { z } from 'zod';
import { readFinderRows } from '../../runs/finder-columns.js';
import { readJsonAs } from '../../runs/read-run.js';
import { decays, finished, read } from '../range.js';
import type { DrawnTest } from './range-chart.js';

/** The completed tests in a stage's folder, without the scouts. */
export function drawnTests(directory: string): DrawnTest[] {
  return decays.flatMap((weight_decay) => {
    const run = finished(path.join(directory, `weight decay ${weight_decay}`));
    if (!run) return [];
    const { classes } = readJsonAs(z.looseObject({ classes: z.number() }), run, 'summary.json');
    const rows = readFinderRows(run);
    return [...new Set(rows.map((row) => row.seed))].map((seed) => {
      const own = rows.filter((row) => row.seed === seed);
      return { weight_decay, seed, rows: own, reading: read(own, classes) };
    });
  });
}
