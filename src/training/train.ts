import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { ActiveBackend, Repeat } from '../backends/backend.js';
import type { Batch } from '../datasets/batches.js';
import { ClrError } from '../errors.js';
import type { Model } from '../models/model.js';
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.js';
import { Tape } from '../ops/tape.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { IterationRow, MetricsRow } from '../runs/columns.js';
import type { Hyperparameters, RunLength, Schedule } from '../schedules/schedule.js';
import { evaluate, once, readMetrics, score } from './evaluate.js';
import { inFlight, type Settled } from './in-flight.js';
import { firstIteration, type Position, recordEpoch, recordStep, type Step } from './position.js';

/** All that one run trains with. */
export interface Training extends RunLength, Pick<ActiveBackend, 'stepsInFlight' | 'lossScale' | 'warmUp'> {
  model: Model;
  optimizer: Optimizer;
  schedule: Schedule;
  /** The batches of an epoch (counted from 0), from `firstBatch` on; the caller disposes of them. */
  trainingBatches(epoch: number, firstBatch: number): Iterable<Batch>;
  validationBatches(epoch: number): Iterable<Batch>;
  /** Stops after this many updates, at most `iterations`; the schedule is still that of the whole run. */
  stopAfter: number;
  /** A training loss above it is divergence; Infinity: only NaN and infinity are. */
  maxLoss: number;
  /** For the training loss; the validation loss has none. */
  labelSmoothing: number;
  /** Replays a step's forward and backward pass on the device, if that is cheaper than issuing it again. */
  repeat?: Repeat | undefined;
  /** The same for a validation batch's forward pass. */
  repeatValidation?: Repeat | undefined;
}

export interface TrainHooks {
  /** Called after each update, once its loss is known; `settled`: no later one has begun to change the weights. */
  onIteration(row: IterationRow, settled: boolean): void | Promise<void>;
  /** Whether `onIteration` needs the weights after that many updates: no later update is begun before it then. */
  needsWeights?(iteration: number): boolean;
  /** Ends the training after this many epochs; undefined: at its end. */
  untilEpoch?: number | undefined;
  /** Ends the training after the current update (or validation batch). */
  signal: AbortSignal;
}

/**
 * Trains from `position` on, which it keeps up to date, and yields a row after each epoch's validation. Ends early if
 * `signal` is aborted, or after `untilEpoch`. Throws ClrError('diverged') if a training loss is not finite or above
 * `maxLoss`, or a validation loss is not finite.
 */
export async function* train(training: Training, position: Position, hooks: TrainHooks): AsyncGenerator<MetricsRow> {
  const { model, schedule, iterationsPerEpoch, stopAfter, maxLoss, stepsInFlight, repeatValidation: repeat } = training;
  const { signal, untilEpoch = Number.POSITIVE_INFINITY } = hooks;
  await restoreLossScale(training, position);
  await training.warmUp?.(() => oneOfEachSize(training));
  let lastGood: IterationRow | undefined;
  const left = () => firstIteration(position.epoch, iterationsPerEpoch) < stopAfter && position.epoch < untilEpoch;
  while (left() && !signal.aborted) {
    const lap = stopwatch();
    for await (const { result, last } of epochSteps(training, position, hooks)) {
      const row = recordStep(position, result, lap());
      await hooks.onIteration(row, last);
      if (!isGood(row.loss, training)) throw diverged(row, lastGood, maxLoss);
      lastGood = row;
      await nextTurn(); // lets signals in
      position.sums.seconds += lap();
    }
    if (signal.aborted) return;
    const batches = training.validationBatches(position.epoch);
    const validation = await evaluate(model, batches, { stepsInFlight, signal, repeat });
    if (signal.aborted) return; // validated again when the run is resumed
    position.sums.seconds += lap();
    const row = recordEpoch(position, validation, schedule(position.iteration - 1));
    yield row;
    const unusable = { ...row, iteration: row.iteration - 1, loss: row.val_loss };
    if (!Number.isFinite(row.val_loss)) throw diverged(unusable, lastGood, maxLoss, 'validation loss');
  }
}

/** Runs a training step and a validation pass for each batch size that occurs. */
export function oneOfEachSize(training: Training): void {
  const last = firstIteration(1, training.iterationsPerEpoch) - 1;
  for (const first of new Set([0, last])) {
    const [batch] = training.trainingBatches(0, first);
    trainStep(training, batch!, training.schedule(0)).dispose();
  }
  for (const batch of training.validationBatches(0)) score(training.model, batch).dispose();
}

/** The backend takes the loss scale from `position`; at the start of a run it is the other way round. */
async function restoreLossScale({ lossScale }: Pick<Training, 'lossScale'>, position: Position): Promise<void> {
  if (position.lossScale) lossScale?.write(position.lossScale);
  position.lossScale = await lossScale?.read();
}

/**
 * The remaining updates of the current epoch, each once its loss is known; up to `stepsInFlight` later ones are begun
 * before that. None is begun after `stopAfter` or an abort.
 */
function epochSteps(
  training: Training,
  position: Position,
  { signal, needsWeights }: TrainHooks,
): AsyncGenerator<Settled<Step>> {
  const { iterationsPerEpoch, stopAfter, stepsInFlight = 0 } = training;
  let begun = position.iteration;
  function* steps(): Generator<Promise<Step>> {
    if (begun >= stopAfter) return; // interrupted between the last update and its validation
    const firstBatch = begun - firstIteration(position.epoch, iterationsPerEpoch);
    for (const batch of training.trainingBatches(position.epoch, firstBatch)) {
      yield beginStep(training, batch, begun++);
      if (begun >= stopAfter || signal.aborted) return;
    }
  }
  const pause = () => begun >= stopAfter || signal.aborted || needsWeights?.(begun);
  return inFlight(steps(), () => (pause() ? 0 : stepsInFlight));
}

async function beginStep(training: Training, batch: Batch, iteration: number): Promise<Step> {
  const hyperparameters = training.schedule(iteration);
  const [metrics, lossScale] = await Promise.all([
    readMetrics(trainStep(training, batch, hyperparameters, iteration), batch.size),
    training.lossScale?.read(),
  ]);
  return { ...metrics, ...hyperparameters, lossScale };
}

/** Each call of the result returns the seconds since the previous one. */
function stopwatch(): () => number {
  let started = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - started) / 1000;
    started = now;
    return seconds;
  };
}

/** Whether training may continue after this loss. */
export function isGood(loss: number, { maxLoss }: Pick<Training, 'maxLoss'>): boolean {
  return Number.isFinite(loss) && loss <= maxLoss;
}

/** Forward, backward, update. Disposes of the batch; returns its [loss, correct predictions] before the update. */
export function trainStep(
  { model, optimizer, labelSmoothing, repeat = once }: Stepping,
  { x, labels }: Batch,
  hyperparameters: Hyperparameters,
  iteration = 0,
): Tensor1D {
  const variables = [...model.parameters, ...model.statistics].map(({ value }) => value);
  const [metrics, ...gradients] = repeat([x, labels, ...variables], () => {
    const tape = new Tape(true, iteration);
    const logits = model.forward(tape, x);
    const { metrics, gradient } = softmaxCrossEntropy(logits, labels, labelSmoothing);
    const parameters = variables.slice(0, model.parameters.length);
    return [metrics, ...tape.gradients(logits, gradient, parameters)];
  });
  optimizer.step(gradients, hyperparameters);
  x.dispose();
  labels.dispose();
  return metrics as Tensor1D;
}

/** What a step needs to know. */
export type Stepping = Pick<Training, 'model' | 'optimizer' | 'labelSmoothing' | 'repeat'>;

/** Names the iteration at which divergence shows, and the last good one before it. */
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
