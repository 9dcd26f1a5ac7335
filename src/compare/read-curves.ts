import type { Skipped } from '../results/find-runs.js';
import type { MetricsRow } from '../results/metrics.js';
import { printable } from '../results/printable.js';
import { readMetrics } from '../results/read-run.js';
import type { Comparison } from './comparison.js';

/** The metrics.csv of every run of a config that completed. */
export interface RunCurves {
  config: string;
  runs: MetricsRow[][];
}

/** The metrics.csv of the runs that completed, a row's together; what cannot be read is given to `skip`. */
export function readCurves(comparison: Comparison, skip: (run: Skipped) => void): RunCurves[] {
  return comparison.rows.map(({ config, runs }) => ({
    config,
    runs: runs.flatMap(({ directory, scores }) => {
      if (!scores) return [];
      try {
        return [readMetrics(directory)];
      } catch (error) {
        skip({ path: printable(directory), reason: printable((error as Error).message) });
        return [];
      }
    }),
  }));
}
