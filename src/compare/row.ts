import type { Run, Setting } from '../runs/read-runs.js';
import type { Metric } from '../runs/scores.js';
import type { Improvement } from '../statistics/improvement.js';
import type { Finding, Verdict } from '../statistics/verdict.js';

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
  /** Runs without a score, by what became of them. */
  missing: Partial<Record<Run['status'], number>>;
  scores: Record<Metric, Score>;
  /** Spread between seeds that the images of the test set alone make, in points; where the runs left their predictions. */
  imageStd?: number;
  runs: Pick<Run, 'directory' | 'seed' | 'status' | 'message' | 'scores'>[];
  /** This row minus the baseline; undefined for the baseline itself. */
  against?: Against;
  /** Where the config's source reports an accuracy or a divergence. */
  published?: Published;
}

/** How a row stands to the baseline. */
export interface Against {
  verdict: Verdict | 'diverges';
  /** Undefined where nothing can be said: see the sentence. */
  finding: Finding | undefined;
  improvement: Improvement | undefined;
  /** The seeds of each arm that the verdict rests on, where they came in blocks until it was decided. */
  seeds?: number;
  /** Between the two arms over the seeds that both have; NaN: unknown. */
  correlation: number;
  /** How many seeds an arm would show the difference asked for, where it is undecided and they are more than there are. */
  needed?: number;
  /** The interval of the difference of accuracies, were other seeds drawn and other test images. */
  otherImages?: { low: number; high: number } | undefined;
  sentence: string;
}

/** What the source of a config reports, and how its runs stand to that. */
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
