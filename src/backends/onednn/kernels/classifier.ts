import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel, requireShape } from './kernel.js';

/** The last layer and the loss: few values, all in float32. */
export const classifierKernels = [
  kernel('Dense', ({ x, weights, bias }: Record<'x' | 'weights' | 'bias', TensorInfo>, _attributes, backend) => {
    const [images, from, to] = [x.shape[0]!, x.shape[1]!, bias.shape[0]!];
    requireShape([from, to], { weights });
    const y = backend.allocate([images, to]);
    backend.addon.dense(...[x, weights, bias, y].map((t) => backend.view(t)), images, from, to);
    return [y];
  }),
  kernel('DenseGrad', ({ dy, x, weights }: Record<'dy' | 'x' | 'weights', TensorInfo>, _attributes, backend) => {
    const [images, from, to] = [x.shape[0]!, x.shape[1]!, dy.shape[1]!];
    requireShape([images, to], { dy });
    requireShape([from, to], { weights });
    const outputs = [x.shape, weights.shape, [to]].map((shape) => backend.allocate(shape));
    backend.addon.denseGrad(...[dy, x, weights, ...outputs].map((t) => backend.view(t)), images, from, to);
    return outputs;
  }),
  kernel('SoftmaxCrossEntropy', ({ logits, labels }: Record<'logits' | 'labels', TensorInfo>, _attributes, backend) => {
    const [images, classes] = logits.shape as [number, number];
    requireShape([images], { labels });
    for (const label of backend.view(labels))
      if (!(label >= 0 && label < classes)) throw new Error(`label ${label} among ${classes} classes`);
    const outputs = [backend.allocate([2]), backend.allocate([images, classes])];
    const [metrics, gradient] = outputs.map((t) => backend.view(t)) as [Float32Array, Float32Array];
    backend.addon.softmaxCrossEntropy(backend.view(logits), backend.view(labels), metrics, gradient);
    return outputs;
  }),
];
