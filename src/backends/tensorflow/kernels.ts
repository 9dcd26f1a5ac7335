import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { normOffset } from '../../ops/clip-by-global-norm.js';
import type { DownsamplePad } from '../../ops/downsample-pad.js';
import { run } from '../../ops/kernel.js';
import type { SoftmaxCrossEntropy } from '../../ops/softmax-cross-entropy.js';
import { windowKernels } from './windows.js';

type Shape4D = [number, number, number, number];
type Compute<Inputs, Attributes> = (inputs: Inputs, attributes: Attributes) => Tensor | Tensor[];
type Named<Names extends string> = Record<Names, Tensor>;

/**
 * Our ops as compositions of tfjs's public ones, for a backend that has only those. They name no backend, so that they
 * can be tested on any. An output must be a new tensor, not one of the inputs.
 */
export const composedKernels: Record<string, Compute<never, never>> = {
  BatchNormInference: (
    { x, scale, shift, runningMean, runningVariance, residual }: BatchNormInputs,
    { epsilon, relu }: { epsilon: number; relu: boolean },
  ) => finish(tf.batchNorm4d(x, runningMean, runningVariance, shift, scale, epsilon), residual, relu),

  BiasAdd: ({ x, bias }: Named<'x' | 'bias'>) => tf.add(x, bias),
  BiasAddGrad: ({ dy }: Named<'dy'>) => tf.sum(dy, [0, 1, 2]),

  Dense: ({ x, weights, bias }: { x: Tensor2D; weights: Tensor2D; bias: Tensor1D }) =>
    tf.add(tf.matMul(x, weights), bias),
  DenseGrad: ({ dy, x, weights }: Record<'dy' | 'x' | 'weights', Tensor2D>) => [
    tf.matMul(dy, weights, false, true),
    tf.matMul(x, dy, true, false),
    tf.sum(dy, 0),
  ],

  GlobalAveragePool: ({ x }: Named<'x'>) => tf.mean(x, [1, 2]),
  GlobalAveragePoolGrad: ({ dy }: Named<'dy'>, { height, width }: { height: number; width: number }) => {
    const [images, channels] = dy.shape as [number, number];
    return tf.tile(tf.reshape(tf.div(dy, height * width), [images, 1, 1, channels]), [1, height, width, 1]);
  },

  DownsamplePad: ({ x }: { x: Tensor4D }, { window, channels, offset }: DownsamplePad) => {
    const { padding, correction } = windows(x.shape, window);
    const means = tf.avgPool(tf.pad(x, padding), window, 2, 'valid');
    return tf.pad(tf.mul(means, correction), [...none3, [offset, channels - offset - x.shape[3]]]);
  },
  DownsamplePadGrad: ({ dy }: { dy: Tensor4D }, options: DownsamplePad & { inputShape: Shape4D }) => {
    const { window, offset, inputShape } = options;
    const { padding, correction } = windows(inputShape, window);
    const means = tf.mul(tf.slice(dy, [0, 0, 0, offset], [-1, -1, -1, inputShape[3]]), correction);
    const input = tf.zeros(inputShape.map((size, axis) => size + padding[axis]![1]));
    const attributes = { filterSize: window, strides: 2, pad: 'valid' };
    return tf.slice(run('AvgPoolGrad', { dy: means, input }, attributes)[0]!, [0, 0, 0, 0], inputShape);
  },

  ...windowKernels,

  SoftmaxCrossEntropy: (
    { logits, labels }: { logits: Tensor2D; labels: Tensor1D },
    { labelSmoothing }: SoftmaxCrossEntropy,
  ) => {
    const [images, classes] = logits.shape;
    const logProbabilities = tf.logSoftmax(logits);
    const oneHot = tf.oneHot(tf.cast(labels, 'int32'), classes);
    const truth = labelSmoothing === 0 ? oneHot : tf.add(tf.mul(oneHot, 1 - labelSmoothing), labelSmoothing / classes);
    const loss = tf.neg(tf.div(tf.sum(tf.mul(truth, logProbabilities)), images));
    const correct = tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.cast(labels, 'int32')), 'float32'));
    return [tf.stack([loss, correct]), tf.div(tf.sub(tf.exp(logProbabilities), truth), images)];
  },

  ClipByGlobalNorm: (gradients: Tensor[], { maxNorm }: { maxNorm: number }) => {
    const norm = tf.sqrt(tf.addN(gradients.map((g) => tf.sum(tf.square(g)))));
    const factor = tf.minimum(1, tf.div(maxNorm, tf.add(norm, normOffset)));
    return gradients.map((g) => tf.mul(g, factor));
  },
};

/** x and residual [N, H, W, C], the others [C]. */
export interface BatchNormInputs {
  x: Tensor4D;
  scale: Tensor1D;
  shift: Tensor1D;
  runningMean: Tensor1D;
  runningVariance: Tensor1D;
  residual?: Tensor4D;
}

/** What follows the normalisation: y + residual, then the ReLU. */
export function finish(y: Tensor, residual: Tensor | undefined, relu: boolean): Tensor {
  const sum = residual ? tf.add(y, residual) : y;
  return relu ? tf.relu(sum) : sum;
}

const none3: [number, number][] = [
  [0, 0],
  [0, 0],
  [0, 0],
];

/** Zeros to add below and right so that every window is whole, and factors that correct the means for these zeros. */
function windows([, height, width]: Shape4D, window: number) {
  const before = (size: number) => Math.max(0, 2 * (Math.ceil(size / 2) - 1) + window - size);
  const padding: [number, number][] = [
    [0, 0],
    [0, before(height)],
    [0, before(width)],
    [0, 0],
  ];
  const whole = (size: number) =>
    Array.from({ length: Math.ceil(size / 2) }, (_, i) => window / Math.min(window, size - 2 * i));
  const correction = tf.mul(tf.reshape(whole(height), [1, -1, 1, 1]), tf.reshape(whole(width), [1, 1, -1, 1]));
  return { padding, correction };
}
