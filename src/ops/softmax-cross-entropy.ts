import type { Tensor1D, Tensor2D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';

/**
 * The mean over the batch of -log softmax(logits)[label], for logits [N, K] and labels [N] (float32 class numbers).
 * `metrics` [2]: that loss (nats) and the number of images whose largest logit is the label's;
 * `gradient` [N, K]: d(loss)/d(logits) = (softmax - one-hot) / N.
 */
export function softmaxCrossEntropy(logits: Tensor2D, labels: Tensor1D): { metrics: Tensor1D; gradient: Tensor2D } {
  const [metrics, gradient] = run('SoftmaxCrossEntropy', { logits, labels }) as [Tensor1D, Tensor2D];
  return { metrics, gradient };
}

/** The reference of SoftmaxCrossEntropy: outputs metrics [2] and gradient [N, K]. */
export const softmaxCrossEntropyKernels = [
  referenceKernel('SoftmaxCrossEntropy', (inputs: { logits: TensorInfo; labels: TensorInfo }, _attributes, memory) => {
    const [images, classes] = inputs.logits.shape as [number, number];
    const outputs = [memory.allocate([2]), memory.allocate([images, classes])];
    const [metrics, gradient] = outputs.map((o) => memory.view(o)) as [Float32Array, Float32Array];
    const [logits, labels] = [memory.view(inputs.logits), memory.view(inputs.labels)];
    let loss = 0;
    let correct = 0;
    for (let n = 0; n < images; n++) {
      const row = logits.subarray(n * classes, (n + 1) * classes);
      const label = labels[n]!;
      const largest = row.reduce((a, b) => Math.max(a, b));
      const total = row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
      loss += Math.log(total) - (row[label]! - largest);
      if (row.indexOf(largest) === label) correct++;
      for (let k = 0; k < classes; k++) {
        gradient[n * classes + k] = (Math.exp(row[k]! - largest) / total - (k === label ? 1 : 0)) / images;
      }
    }
    metrics[0] = loss / images;
    metrics[1] = correct;
    return outputs;
  }),
];
