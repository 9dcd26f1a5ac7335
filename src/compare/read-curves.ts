import type { MetricsRow } from '../runs/columns.js';
import type { Skipped } from '../runs/find-runs.js';
import { readMetrics } from '../runs/read-run.js';
import { printable } from '../system/printable.js';
import type { Comparison } from './comparison.js';

/** The metrics.csv of each run that completed or was stopped by its sweep; a run of 0.4 epochs ends at epoch 0.4. */
export interface RunCurves {
  config: string;
  runs: MetricsRow[][];
}

/** The curves of each row; runs that cannot be read are passed to `skip`. */
export function readCurves(comparison: Comparison, skip: (run: Skipped) => void): RunCurves[] {
  return comparison.rows.map(({ config, settings, runs }) => ({
    config,
    runs: runs.flatMap(({ directory, scores, status }) => {
      if (!scores && status !== 'stopped') return [];
      const length = Number(settings.epochs ?? comparison.shared.epochs ?? Infinity);
      try {
        return [readMetrics(directory).map((row) => ({ ...row, epoch: Math.min(row.epoch, length) }))];
      } catch (error) {
        skip({ path: printable(directory), reason: printable((error as Error).message) });
        return [];
      }
    }),
  }));
}
