import type { Score, Summary } from '../runs/summary.js';

/** Where a run stands: with the tensors of model and optimizer, all that it needs to go on exactly. Plain data. */
export interface Position {
  /** Updates done. */
  iteration: number;
  /** Epochs validated and reported. */
  epoch: number;
  /** Of the epoch at hand, over the images seen so far. */
  sums: Clock & { loss: number; correct: number };
  /** Of the epochs before. */
  totals: Clock;
  /** Of the last epoch, and of the one with the highest validation accuracy so far. */
  last: Score | null;
  best: Score | null;
}

export interface Clock {
  /** Trained on. */
  images: number;
  /** Spent in training steps. */
  trainSeconds: number;
  /** Spent in all, validation included. */
  seconds: number;
}

export function startPosition(): Position {
  return { iteration: 0, epoch: 0, sums: emptySums(), totals: noTime(), last: null, best: null };
}

const noTime = (): Clock => ({ images: 0, trainSeconds: 0, seconds: 0 });
export const emptySums = () => ({ ...noTime(), loss: 0, correct: 0 });

/** What summary.json says of a run that stands at `position`. */
export function summarise(position: Position, status: Summary['status'], message?: string): Summary {
  const { iteration: iterations, epoch: epochs, last: final, best, totals } = position;
  const images_per_second = epochs > 0 ? totals.images / totals.trainSeconds : null;
  return { status, message, iterations, epochs, final, best, seconds: totals.seconds, images_per_second };
}
