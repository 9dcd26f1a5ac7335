import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import type { Repeat } from '../backends/backend.js';
import type { Batch } from '../datasets/batches.js';
import type { Model } from '../models/model.js';
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.js';
import { Tape } from '../ops/tape.js';
import { inFlight } from './in-flight.js';

export interface Evaluation {
  /** Mean cross-entropy, nats. */
  loss: number;
  /** Percent. */
  accuracy: number;
}

export interface EvaluationOptions {
  /** Batches that may be in flight before a loss is read; 0 by default. */
  stepsInFlight?: number;
  /** When aborted, ends after the current batch, with the batches seen so far. */
  signal?: AbortSignal;
  /** Replays a batch's forward pass on the device. */
  repeat?: Repeat | undefined;
}

/** For devices that replay nothing. */
export const once: Repeat = (_used, work) => work();

/** Number of images, mean loss (nats) and number of correct predictions of one batch. */
export interface BatchMetrics {
  size: number;
  loss: number;
  correct: number;
}

/** Loss and accuracy over all images of `batches`, with batch norm's running statistics; disposes of the batches. */
export async function evaluate(
  model: Model,
  batches: Iterable<Batch>,
  { stepsInFlight = 0, signal, repeat }: EvaluationOptions = {},
): Promise<Evaluation> {
  const sums = { images: 0, loss: 0, correct: 0 };
  const ahead = () => (signal?.aborted ? 0 : stepsInFlight);
  for await (const { result } of inFlight(forwardPasses(model, batches, { signal, repeat }), ahead)) {
    sums.images += result.size;
    sums.loss += result.loss * result.size; // the last batch may be smaller
    sums.correct += result.correct;
    await nextTurn(); // lets signals in
  }
  return { loss: sums.loss / sums.images, accuracy: (100 * sums.correct) / sums.images };
}

/** Which images of `batches` the model classifies correctly (1) and not (0), in order; disposes of the batches. */
export async function predictions(model: Model, batches: Iterable<Batch>): Promise<Uint8Array> {
  const correct: number[] = [];
  for (const { x, labels, size } of batches) {
    const logits = tidy(() => model.forward(new Tape(false), x)); // [N, K]
    const [values, targets] = await Promise.all([logits.data(), labels.data()]);
    for (const tensor of [x, labels, logits]) tensor.dispose();
    const classes = values.length / targets.length;
    for (let i = 0; i < size; i++) {
      const row = (values as Float32Array).subarray(i * classes, (i + 1) * classes);
      correct.push(row.indexOf(Math.max(...row)) === targets[i] ? 1 : 0);
    }
    await nextTurn(); // lets signals in
  }
  return Uint8Array.from(correct);
}

function* forwardPasses(
  model: Model,
  batches: Iterable<Batch>,
  { signal, repeat }: EvaluationOptions,
): Generator<Promise<BatchMetrics>> {
  for (const batch of batches) {
    yield readMetrics(score(model, batch, repeat), batch.size);
    if (signal?.aborted) return;
  }
}

/** [loss, correct predictions] of a batch, with batch norm's running statistics. Disposes of the batch. */
export function score(model: Model, { x, labels }: Batch, repeat = once): Tensor1D {
  const variables = [...model.parameters, ...model.statistics].map(({ value }) => value);
  const [metrics] = repeat([x, labels, ...variables], () => [
    tidy(() => softmaxCrossEntropy(model.forward(new Tape(false), x), labels).metrics),
  ]);
  x.dispose();
  labels.dispose();
  return metrics as Tensor1D;
}

/**
 * Reads and disposes of `metrics`: [loss, correct predictions] of a batch of `size` images. Resolves to the values at
 * the time of the call, while the next step finds the memory free already.
 */
export async function readMetrics(metrics: Tensor1D, size: number): Promise<BatchMetrics> {
  const values = metrics.data();
  metrics.dispose();
  const [loss, correct] = await values;
  return { size, loss: loss!, correct: correct! };
}
