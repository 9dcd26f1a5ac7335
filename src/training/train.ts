import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Batch } from '../datasets/batches.js';
import { ClrError } from '../errors.js';
import type { Model } from '../models/model.js';
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.js';
import { Tape } from '../ops/tape.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { IterationRow, MetricsRow } from '../runs/columns.js';
import type { Hyperparameters, RunLength, Schedule } from '../schedules/schedule.js';
import { evaluate } from './evaluate.js';
import { type Clock, emptySums, type Position } from './position.js';

/** All that one run trains with. */
export interface Training extends RunLength {
  model: Model;
  optimizer: Optimizer;
  schedule: Schedule;
  /** The batches of an epoch (counted from 0), from `firstBatch` on; who asks disposes of them. */
  trainingBatches(epoch: number, firstBatch: number): Iterable<Batch>;
  validationBatches(): Iterable<Batch>;
  /** Stop after so many updates, though the schedule goes on; at most `iterations`. */
  stopAfter: number;
  /** A training loss above it is divergence; Infinity: only NaN and infinity are. */
  maxLoss: number;
  /** Updates that may be under way before a loss is read, where the device computes by itself; 0 by default. */
  stepsInFlight?: number;
}

export interface TrainHooks {
  /** After each update, once its loss is known; `settled`: no later one has begun, so the weights are those after it. */
  onIteration(row: IterationRow, settled: boolean): void | Promise<void>;
  /** Whether `onIteration` will look at the weights after so many updates: then no later one is begun before. */
  needsWeights?(iteration: number): boolean;
  /** Ends the training after the update (or validation batch) at hand. */
  signal: AbortSignal;
}

/**
 * Trains from `position` on, which it keeps up to date, and yields a row after each epoch's validation. Ends early when
 * `signal` is aborted. Throws ClrError('diverged') when a training loss is not a number, not finite or above `maxLoss`, or
 * a validation loss is not finite.
 */
export async function* train(training: Training, position: Position, hooks: TrainHooks): AsyncGenerator<MetricsRow> {
  const { model, optimizer, schedule, iterationsPerEpoch } = training;
  const { sums } = position;
  const { stepsInFlight = 0 } = training;
  let good: IterationRow | undefined; // the last one
  while (position.epoch * iterationsPerEpoch < training.stopAfter) {
    const epoch = position.epoch + 1;
    const firstBatch = position.iteration - position.epoch * iterationsPerEpoch;
    if (hooks.signal.aborted) return;
    const lap = stopwatch();
    const inFlight: Step[] = [];
    const settleOldest = async () => {
      const { size, hyperparameters, metrics } = inFlight.shift()!;
      const [loss, correct] = await metrics;
      sums.loss += loss * size;
      sums.correct += correct;
      sums.images += size;
      const trainSeconds = lap();
      sums.trainSeconds += trainSeconds;
      sums.seconds += trainSeconds;
      const row = { iteration: position.iteration++, epoch, ...hyperparameters, loss };
      await hooks.onIteration(row, inFlight.length === 0);
      if (!isGood(loss, training)) throw diverged(row, good, training.maxLoss);
      good = row;
      await nextTurn(); // lets signals in
      sums.seconds += lap();
    };
    const remaining = position.iteration < training.stopAfter; // false: interrupted between the last update and its validation
    for (const batch of remaining ? training.trainingBatches(position.epoch, firstBatch) : []) {
      const hyperparameters = schedule(position.iteration + inFlight.length);
      const metrics = readMetrics(trainStep(model, optimizer, batch, hyperparameters));
      metrics.catch(() => {}); // settleOldest() meets it, unless an earlier step ends the run first
      inFlight.push({ size: batch.size, hyperparameters, metrics });
      const done = position.iteration + inFlight.length;
      const pause = done >= training.stopAfter || hooks.needsWeights?.(done);
      while (inFlight.length > (pause || hooks.signal.aborted ? 0 : stepsInFlight)) await settleOldest();
      if (hooks.signal.aborted && inFlight.length === 0) return;
      if (done >= training.stopAfter) break;
    }
    while (inFlight.length > 0) await settleOldest();
    if (hooks.signal.aborted) return;
    const validation = await evaluate(model, training.validationBatches(), hooks.signal);
    if (hooks.signal.aborted) return; // validated again when the run goes on
    sums.seconds += lap();
    position.epoch = epoch;
    position.last = { epoch, val_acc: validation.accuracy, val_loss: validation.loss };
    if (position.last.val_acc > (position.best?.val_acc ?? -1)) position.best = position.last;
    const row = {
      epoch,
      iteration: position.iteration,
      ...schedule(position.iteration - 1),
      train_loss: sums.loss / sums.images,
      train_acc: (100 * sums.correct) / sums.images,
      val_loss: validation.loss,
      val_acc: validation.accuracy,
      seconds: sums.seconds,
      images_per_second: sums.images / sums.trainSeconds,
    };
    for (const key of Object.keys(position.totals) as (keyof Clock)[]) position.totals[key] += sums[key];
    Object.assign(sums, emptySums());
    yield row;
    const unusable = { ...row, iteration: row.iteration - 1, loss: row.val_loss };
    if (!Number.isFinite(row.val_loss)) throw diverged(unusable, good, training.maxLoss, 'validation loss');
  }
}

/** An update whose loss has not been read yet. */
interface Step {
  size: number;
  hyperparameters: Hyperparameters;
  metrics: Promise<[loss: number, correct: number]>;
}

/** Each call gives the seconds since the one before. */
function stopwatch(): () => number {
  let started = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - started) / 1000;
    started = now;
    return seconds;
  };
}

/** Whether training may go on after it. */
export function isGood(loss: number, { maxLoss }: Pick<Training, 'maxLoss'>): boolean {
  return Number.isFinite(loss) && loss <= maxLoss;
}

/**
 * Forward, backward, update. Disposes of the batch; returns [loss, correct predictions] of the batch, before the update.
 */
export function trainStep(
  model: Model,
  optimizer: Optimizer,
  batch: Batch,
  hyperparameters: Hyperparameters,
): Tensor1D {
  const tape = new Tape(true);
  const logits = model.forward(tape, batch.x);
  const { metrics, gradient } = softmaxCrossEntropy(logits, batch.labels);
  const parameters = model.parameters.map((p) => p.value);
  const gradients = tape.gradients(logits, gradient, parameters);
  optimizer.step(gradients, hyperparameters);
  batch.x.dispose();
  batch.labels.dispose();
  return metrics;
}

async function readMetrics(metrics: Tensor1D): Promise<[loss: number, correct: number]> {
  const [loss, correct] = await metrics.data();
  metrics.dispose();
  return [loss!, correct!];
}

/** Names the iteration at which it shows, and the last one before that was still good. */
function diverged(
  { iteration, epoch, lr, momentum, loss }: IterationRow,
  good: IterationRow | undefined,
  maxLoss: number,
  what = 'loss',
): ClrError {
  const value = Number.isFinite(loss) ? `${loss} (above max_loss ${maxLoss})` : String(loss);
  const before = good ? `; last good at iteration ${good.iteration}: loss ${good.loss.toPrecision(4)}` : '';
  return new ClrError(
    'diverged',
    `diverged: ${what} ${value} at iteration ${iteration} (epoch ${epoch}), LR ${lr}, momentum ${momentum}${before}`,
    'lower the maximum LR or lengthen its warm-up; `clr lrfind` shows how far it can go',
  );
}
