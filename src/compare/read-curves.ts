import type { MetricsRow } from '../runs/columns.js';
import type { Skipped } from '../runs/find-runs.js';
import { readMetrics } from '../runs/read-run.js';
import { printable } from '../system/printable.js';
import type { Comparison } from './comparison.js';

/** The metrics.csv of every run of a config that completed, or that its sweep has stopped. */
export interface RunCurves {
  config: string;
  runs: MetricsRow[][];
}

/** Those of each row; what cannot be read is given to `skip`. */
export function readCurves(comparison: Comparison, skip: (run: Skipped) => void): RunCurves[] {
  return comparison.rows.map(({ config, runs }) => ({
    config,
    runs: runs.flatMap(({ directory, scores, status }) => {
      if (!scores && status !== 'stopped') return [];
      try {
        return [readMetrics(directory)];
      } catch (error) {
        skip({ path: printable(directory), reason: printable((error as Error).message) });
        return [];
      }
    }),
  }));
}
