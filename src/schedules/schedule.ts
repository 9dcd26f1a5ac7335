/** The LR and the momentum of one update. */
export interface Hyperparameters {
  lr: number;
  momentum: number;
}

/** Pure: `iteration` counts the run's batches from 0. Nothing is counted inside, so a run resumes at any iteration. */
export type Schedule = (iteration: number) => Hyperparameters;

/** How long the run is. */
export interface RunLength {
  /** Updates in the whole run. */
  iterations: number;
  /** Updates in one epoch: durations in epochs are converted with it. */
  iterationsPerEpoch: number;
}
