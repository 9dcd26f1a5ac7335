import type { Tensor1D, Tensor2D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';

/**
 * The mean over the batch of -log softmax(logits)[label], for logits [N, K] and labels [N] (float32 class numbers).
 * `metrics` [2]: that loss (nats) and the number of images whose largest logit is the label's;
 * `gradient` [N, K]: d(loss)/d(logits) = (softmax - truth) / N, where truth is one-hot.
 *
 * Label smoothing s (arXiv:1512.00567, section 7; torch's `label_smoothing`) makes the truth (1 - s) one-hot + s / K.
 */
export function softmaxCrossEntropy(
  logits: Tensor2D,
  labels: Tensor1D,
  labelSmoothing = 0,
): { metrics: Tensor1D; gradient: Tensor2D } {
  const outputs = run('SoftmaxCrossEntropy', { logits, labels }, { labelSmoothing });
  const [metrics, gradient] = outputs as [Tensor1D, Tensor2D];
  return { metrics, gradient };
}

export interface SoftmaxCrossEntropy {
  /** From 0 to below 1. */
  labelSmoothing: number;
}

/** The reference of SoftmaxCrossEntropy: outputs metrics [2] and gradient [N, K]. */
export const softmaxCrossEntropyKernels = [
  referenceKernel(
    'SoftmaxCrossEntropy',
    (inputs: { logits: TensorInfo; labels: TensorInfo }, { labelSmoothing }: SoftmaxCrossEntropy, memory) => {
      const [images, classes] = inputs.logits.shape as [number, number];
      const outputs = [memory.allocate([2]), memory.allocate([images, classes])];
      const [metrics, gradient] = outputs.map((o) => memory.view(o)) as [Float32Array, Float32Array];
      const [logits, labels] = [memory.view(inputs.logits), memory.view(inputs.labels)];
      const others = labelSmoothing / classes;
      let loss = 0;
      let correct = 0;
      for (let n = 0; n < images; n++) {
        const row = logits.subarray(n * classes, (n + 1) * classes);
        const label = labels[n]!;
        const largest = row.reduce((a, b) => Math.max(a, b));
        const total = row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
        loss += Math.log(total) - (1 - labelSmoothing) * (row[label]! - largest);
        if (others > 0) loss -= others * row.reduce((sum, logit) => sum + logit - largest, 0);
        if (row.indexOf(largest) === label) correct++;
        for (let k = 0; k < classes; k++) {
          const truth = (k === label ? 1 - labelSmoothing : 0) + others;
          gradient[n * classes + k] = (Math.exp(row[k]! - largest) / total - truth) / images;
        }
      }
      metrics[0] = loss / images;
      metrics[1] = correct;
      return outputs;
    },
  ),
];
