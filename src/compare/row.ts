import type { Run, Setting } from '../runs/read-runs.js';
import type { Metric } from '../runs/scores.js';
import type { Improvement } from '../statistics/improvement.js';
import type { Judgement } from '../statistics/sequential.js';
import type { Finding } from '../statistics/verdict.js';

/** Mean and deviation over the seeds that completed; NaN: unknown. */
export interface Score {
  mean: number;
  std: number;
}

/** A line of the table: the runs of one config. */
export interface Row {
  config: string;
  settings: Record<string, Setting | undefined>;
  /** Completed runs, over which the scores are taken. */
  n: number;
  /** Runs without a score, by status. */
  missing: Partial<Record<Run['status'], number>>;
  scores: Record<Metric, Score>;
  /** Standard deviation expected from the finite test set alone, in points; if the runs have kept their predictions. */
  imageStd?: number;
  runs: Pick<Run, 'directory' | 'seed' | 'status' | 'message' | 'scores'>[];
  /** This row minus the baseline; undefined for the baseline itself. */
  against?: Against;
  /** If the config's source reports an accuracy or a divergence. */
  published?: Published;
}

/** A row compared with the baseline. */
export interface Against {
  verdict: Judgement['verdict'];
  /** Undefined if no test is possible: the sentence says why. */
  finding: Finding | undefined;
  improvement: Improvement | undefined;
  /** Seeds of each arm that the verdict rests on, if they were added in blocks until decided. */
  seeds?: number;
  /** Correlation between the two arms over the seeds that both have; NaN: unknown. */
  correlation: number;
  /**
   * Seeds per arm that would detect the difference asked for; only if undecided, and if they are more than there are.
   */
  needed?: number;
  /** Interval of the difference in accuracy if other seeds and other test images were drawn. */
  otherImages?: { low: number; high: number } | undefined;
  sentence: string;
}

/** The value that a config's source reports, and the runs compared with it. */
export interface Published {
  /** Percent; undefined where only a divergence is reported. */
  val_acc?: number | undefined;
  std?: number | undefined;
  n?: number | undefined;
  /** The runs' mean minus the published one; undefined for fewer than two runs. */
  finding?: Finding | undefined;
  /** Reproduced: within the margin. */
  verdict: 'reproduced' | 'higher' | 'lower' | 'undecided' | 'diverges' | 'does not diverge';
}

/** "1 diverged, 2 failed" */
export function missingText(missing: Row['missing']): string {
  return Object.entries(missing)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');
}
