import type { RunStatus } from '../runs/status.js';

export type { RunStatus };

// What `clr watch` and `clr report` tell the page in the browser. JSON: a number that is not finite is null.

/** One run as the page draws it. Text in it may be another's: it is shown as text, never as HTML. */
export interface PageRun {
  /** Unique on the page. */
  id: string;
  /** Its folder, as it was named. */
  directory: string;
  /** The config that it shares with its other seeds: one colour, one entry of the legend. */
  arm: string;
  /** What tells its comparison from the others of a report; absent: there is but one. */
  question?: string;
  seed: number;
  status: RunStatus;
  /** A row of metrics.csv each. */
  epochs: EpochPoint[];
  /** Rows of iterations.csv, thinned; absent: fetched when they are drawn. */
  steps?: StepPoint[];
}

type Value = number | null;

export interface EpochPoint {
  epoch: Value;
  train_loss: Value;
  train_acc: Value;
  val_loss: Value;
  val_acc: Value;
}

export interface StepPoint {
  iteration: Value;
  lr: Value;
  momentum: Value;
  loss: Value;
}

/** The data of a page that does not change any more: a report. */
export interface PageData {
  runs: PageRun[];
}

/** What the event stream of `clr watch` sends, by the event's name. */
export interface PageEvents {
  /** Runs that are new, or that have begun anew. */
  runs: PageRun[];
  /** What has come to a run: rows after those that the page has. */
  grown: { id: string; status: RunStatus; epochs: EpochPoint[]; steps: boolean }[];
  /** The table of `clr compare`, as HTML. */
  table: { html: string };
}
