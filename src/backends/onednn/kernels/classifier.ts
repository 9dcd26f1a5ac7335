import type { TensorInfo } from '@tensorflow/tfjs-core';
import { requireShape } from '../../../ops/kernel.js';
import type { SoftmaxCrossEntropy } from '../../../ops/softmax-cross-entropy.js';
import { kernel } from './kernel.js';

/** The last layer and the loss: few values, all in float32. */
export const classifierKernels = [
  kernel('Dense', ({ x, weights, bias }: Record<'x' | 'weights' | 'bias', TensorInfo>, _attributes, backend) => {
    const [images, from, to] = [x.shape[0]!, x.shape[1]!, bias.shape[0]!];
    requireShape([from, to], { weights });
    const y = backend.allocate([images, to]);
    backend.addon.dense(backend.view(x), backend.view(weights), backend.view(bias), backend.view(y), images, from, to);
    return [y];
  }),
  kernel('DenseGrad', ({ dy, x, weights }: Record<'dy' | 'x' | 'weights', TensorInfo>, _attributes, backend) => {
    const [images, from, to] = [x.shape[0]!, x.shape[1]!, dy.shape[1]!];
    requireShape([images, to], { dy });
    requireShape([from, to], { weights });
    const [dx, dWeights, dBias] = [backend.allocate(x.shape), backend.allocate(weights.shape), backend.allocate([to])];
    backend.addon.denseGrad(
      backend.view(dy),
      backend.view(x),
      backend.view(weights),
      backend.view(dx),
      backend.view(dWeights),
      backend.view(dBias),
      images,
      from,
      to,
    );
    return [dx, dWeights, dBias];
  }),
  kernel(
    'SoftmaxCrossEntropy',
    ({ logits, labels }: Record<'logits' | 'labels', TensorInfo>, { labelSmoothing }: SoftmaxCrossEntropy, backend) => {
      const [images, classes] = logits.shape as [number, number];
      requireShape([images], { labels });
      for (const label of backend.view(labels))
        if (!(label >= 0 && label < classes)) throw new Error(`label ${label} among ${classes} classes`);
      const [metrics, gradient] = [backend.allocate([2]), backend.allocate([images, classes])];
      backend.addon.softmaxCrossEntropy(
        backend.view(logits),
        backend.view(labels),
        backend.view(metrics),
        backend.view(gradient),
        labelSmoothing,
      );
      return [metrics, gradient];
    },
  ),
];
