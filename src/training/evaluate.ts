import { setImmediate as nextTurn } from 'node:timers/promises';
import { tidy } from '@tensorflow/tfjs-core';
import type { Batch } from '../datasets/batches.js';
import type { Model } from '../models/model.js';
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.js';
import { Tape } from '../ops/tape.js';

export interface Evaluation {
  /** Mean cross-entropy, nats. */
  loss: number;
  /** Percent. */
  accuracy: number;
}

/**
 * Loss and accuracy over all of `batches`, with batch norm's running statistics; disposes of the batches. Ends after the
 * batch at hand, with what it has, when `signal` is aborted.
 */
export async function evaluate(model: Model, batches: Iterable<Batch>, signal?: AbortSignal): Promise<Evaluation> {
  let images = 0;
  let lossSum = 0;
  let correctSum = 0;
  for (const { x, labels, size } of batches) {
    const metrics = tidy(() => softmaxCrossEntropy(model.forward(new Tape(false), x), labels).metrics);
    const [loss, correct] = (await metrics.data()) as unknown as [number, number];
    images += size;
    lossSum += loss * size;
    correctSum += correct;
    for (const tensor of [metrics, x, labels]) tensor.dispose();
    await nextTurn(); // lets signals in
    if (signal?.aborted) break;
  }
  return { loss: lossSum / images, accuracy: (100 * correctSum) / images };
}
