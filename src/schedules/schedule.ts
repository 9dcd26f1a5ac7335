import { ClrError } from '../errors.js';

/** The LR and the momentum of one update. */
export interface Hyperparameters {
  lr: number;
  momentum: number;
}

/** Pure: `iteration` counts the run's batches from 0. It keeps no state, so a run can resume at any iteration. */
export type Schedule = (iteration: number) => Hyperparameters;

/** The length of a run. */
export interface RunLength {
  /** Updates in the whole run. */
  iterations: number;
  /** Updates in one epoch: durations in epochs are converted with it. */
  iterationsPerEpoch: number;
}

/** Takes two options, the lower one first. Throws ClrError('usage') if the other is below it. */
export function checkOrder(options: Record<string, number>, hint = 'swap them'): void {
  const [low, high] = Object.entries(options) as [[string, number], [string, number]];
  if (high[1] < low[1]) throw new ClrError('usage', `${high.join(' ')} is below ${low.join(' ')}`, hint);
}
