import type { LossScaleState } from '../backends/backend.js';
import type { IterationRow, MetricsRow } from '../runs/columns.js';
import type { Score, Summary } from '../runs/summary.js';
import type { Hyperparameters } from '../schedules/schedule.js';
import type { BatchMetrics, Evaluation } from './evaluate.js';

/** The state of a run: with the tensors of model and optimizer, all that an exact resume needs. Plain data. */
export interface Position {
  /** Updates done. */
  iteration: number;
  /** Epochs validated and reported. */
  epoch: number;
  /** Sums over the images seen so far in the current epoch. */
  sums: Clock & { loss: number; correct: number };
  /** Totals of the epochs before. */
  totals: Clock;
  /** Scores of the last epoch, and of the one with the highest validation accuracy so far. */
  last: Score | null;
  best: Score | null;
  /** If gradients are float16: the loss scale for the next update. */
  lossScale?: LossScaleState;
}

export interface Clock {
  /** Images trained on. */
  images: number;
  /** Time spent in training steps. */
  trainSeconds: number;
  /** Time spent in all, including validation. */
  seconds: number;
}

export function startPosition(): Position {
  return { iteration: 0, epoch: 0, sums: emptySums(), totals: noTime(), last: null, best: null };
}

const noTime = (): Clock => ({ images: 0, trainSeconds: 0, seconds: 0 });
const emptySums = () => ({ ...noTime(), loss: 0, correct: 0 });

/** An update whose loss is known, and the loss scale after it, if there is one. */
export type Step = BatchMetrics & Hyperparameters & { lossScale?: LossScaleState };

/** Adds one update, which took `seconds`, and returns its row. */
export function recordStep(
  position: Position,
  { size, loss, correct, lr, momentum, lossScale }: Step,
  seconds: number,
): IterationRow {
  const { sums } = position;
  sums.loss += loss * size;
  sums.correct += correct;
  sums.images += size;
  sums.trainSeconds += seconds;
  sums.seconds += seconds;
  const used = position.lossScale && { loss_scale: position.lossScale.value };
  position.lossScale = lossScale;
  return { iteration: position.iteration++, epoch: position.epoch + 1, lr, momentum, loss, ...used };
}

/** Ends the current epoch with its validation, and the LR and momentum of its last update; returns its row. */
export function recordEpoch(position: Position, validation: Evaluation, { lr, momentum }: Hyperparameters): MetricsRow {
  const { sums, totals } = position;
  const epoch = ++position.epoch;
  position.last = { epoch, val_acc: validation.accuracy, val_loss: validation.loss };
  if (position.last.val_acc > (position.best?.val_acc ?? -1)) position.best = position.last;
  const row = {
    ...{ epoch, iteration: position.iteration, lr, momentum },
    ...{ train_loss: sums.loss / sums.images, train_acc: (100 * sums.correct) / sums.images },
    ...{ val_loss: validation.loss, val_acc: validation.accuracy },
    ...{ seconds: sums.seconds, images_per_second: sums.images / sums.trainSeconds },
  };
  for (const key of Object.keys(totals) as (keyof Clock)[]) totals[key] += sums[key];
  Object.assign(sums, emptySums());
  return row;
}

const rounding = 1e-6; // in updates: a whole number may come out slightly larger or smaller

/** The first update of an epoch, both counted from 0: a batch in which an epoch begins belongs to the one before. */
export function firstIteration(epoch: number, iterationsPerEpoch: number): number {
  return epoch === 0 ? 0 : Math.ceil(epoch * iterationsPerEpoch - rounding);
}

/** The epoch that an update belongs to, both counted from 0. */
export function epochOf(iteration: number, iterationsPerEpoch: number): number {
  return Math.floor((iteration + rounding) / iterationsPerEpoch);
}

/** What summary.json says about a run at `position`. */
export function summarise(position: Position, status: Summary['status'], message?: string): Summary {
  const { iteration: iterations, epoch: epochs, last: final, best, totals } = position;
  const images_per_second = epochs > 0 ? totals.images / totals.trainSeconds : null;
  return { status, message, iterations, epochs, final, best, seconds: totals.seconds, images_per_second };
}
