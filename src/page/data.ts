import type { RunStatus } from '../runs/status.js';

export type { RunStatus };

// What `clr watch` and `clr report` send to the page in the browser, as JSON: a number that is not finite is null.

/** One run as the page draws it. Others may have written its text: it is shown as text, never as HTML. */
export interface PageRun {
  /** Unique on the page. */
  id: string;
  /** Its folder, as given. */
  directory: string;
  /** The config that it shares with its other seeds: one colour, one entry of the legend. */
  arm: string;
  /** What distinguishes its comparison from the others of a report; absent: there is only one. */
  question?: string;
  seed: number;
  status: RunStatus;
  /** One per row of metrics.csv. */
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
  /** Over the finite losses after the previous point, up to this one: what is drawn if losses are smoothed. */
  mean_loss: Value;
  /** Their number. */
  losses: number;
}

/** The data of a page that no longer changes: a report. */
export interface PageData {
  runs: PageRun[];
}

/** What the event stream of `clr watch` sends, by the event's name. */
export interface PageEvents {
  /** Runs that are new, or whose rows have been reset. */
  runs: PageRun[];
  /** What was added to a run: rows after those that the page has. */
  grown: { id: string; status: RunStatus; epochs: EpochPoint[]; steps: boolean }[];
  /** The table of `clr compare`, as HTML. */
  table: { html: string };
}
