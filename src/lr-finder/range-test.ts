import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Batch } from '../datasets/batches.js';
import type { FinderRow } from '../runs/finder-columns.js';
import { smoother } from '../statistics/smooth.js';
import { evaluate, readMetrics } from '../training/evaluate.js';
import { variablesOf } from '../training/prepare.js';
import { type Stepping, type Training, trainStep } from '../training/train.js';
import { type LrRange, learningRate } from './learning-rates.js';

/** What one update of the test measured. */
export type RangeTestRow = Pick<FinderRow, 'iteration' | 'lr' | 'loss' | 'smoothed' | 'val_loss' | 'val_acc'>;

/** The test ends at this many times the best smoothed loss (fastai, https://docs.fast.ai/callback.schedule.html). */
export const stopFactor = 4;

/** What is trained and measured; the caller disposes the batches. */
export interface RangeTestSubject extends Stepping, Pick<Training, 'trainingBatches'> {
  /** The batches of a round, counted from 0; shuffled, since each single batch stands for the whole set. */
  validationBatches(round: number): Iterable<Batch>;
}

export interface RangeTestOptions extends LrRange {
  momentum: number;
  /** Measure loss and accuracy on the next validation batch after each update, in round after round of batches. */
  validate: boolean;
  /** End at `stopFactor` times the best smoothed loss, or a loss that is not finite. */
  stop: boolean;
  signal: AbortSignal;
}

/**
 * An LR range test (Smith, arXiv:1506.01186, sec. 3.3): trains a fresh model while the LR rises, and yields a row per
 * update. Returns how it ended.
 */
export async function* rangeTest(
  subject: RangeTestSubject,
  options: RangeTestOptions,
): AsyncGenerator<RangeTestRow, 'completed' | 'diverged' | 'interrupted'> {
  const training = endless((round) => subject.trainingBatches(round, 0));
  const validation = endless(subject.validationBatches);
  const average = smoother();
  let best = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration < options.iterations; iteration++) {
    const lr = learningRate(options, iteration);
    const metrics = trainStep(subject, training.next().value, { lr, momentum: options.momentum }, iteration);
    const { loss } = await readMetrics(metrics, 1);
    const score = options.validate ? await evaluate(subject.model, [validation.next().value]) : unmeasured;
    const smoothed = average(loss);
    best = Math.min(best, smoothed);
    yield { iteration, lr, loss, smoothed, val_loss: score.loss, val_acc: score.accuracy };
    if (options.stop && !(Number.isFinite(loss) && smoothed <= stopFactor * best)) return 'diverged';
    await nextTurn(); // lets signals be handled
    if (options.signal.aborted) return 'interrupted';
  }
  return 'completed';
}

const unmeasured = { loss: Number.NaN, accuracy: Number.NaN };

/** The batches of round after round. */
function* endless(round: (n: number) => Iterable<Batch>): Generator<Batch, never> {
  for (let n = 0; ; n++) yield* round(n);
}

/** Frees all tensors of a model and its optimizer. */
export function disposeTraining(training: Pick<Training, 'model' | 'optimizer'>): void {
  for (const { value } of variablesOf(training)) value.dispose();
}
