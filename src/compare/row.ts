import type { Run, Setting } from '../runs/read-runs.js';
import type { Metric } from '../runs/scores.js';
import type { Difference } from '../statistics/statistics.js';

/** Over the seeds that completed. NaN: unknown. */
export interface Score {
  mean: number;
  std: number;
}

/** A line of the table: the runs of one config. */
export interface Row {
  config: string;
  settings: Record<string, Setting | undefined>;
  /** Runs completed: those that the scores are taken over. */
  n: number;
  diverged: number;
  scores: Record<Metric, Score>;
  runs: { directory: string; seed: number; status: Run['status']; scores: Run['scores'] }[];
  /** This row minus the baseline; undefined for the baseline itself. */
  against?: Against;
}

/** How a row stands to the baseline. */
export interface Against {
  /** Undefined where nothing can be said: see the sentence. */
  test?: Difference & {
    /** Over all rows compared. */
    pHolm: number;
    distinguishable: boolean;
    /** Seeds an arm that would show a true difference of `wanted` four times in five; where it is not distinguishable. */
    needed?: { seeds: number; wanted: number };
  };
  sentence: string;
}
