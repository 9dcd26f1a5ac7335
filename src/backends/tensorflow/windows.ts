import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type Dropout, dropoutMask } from '../../ops/dropout.js';
import type { ImageRange } from '../../ops/image-slices.js';
import { run } from '../../ops/kernel.js';
import type { LrnWithinChannel } from '../../ops/lrn-within-channel.js';
import { type Pool2D, pooledShape } from '../../ops/pool2d.js';
import { markVarying } from './recording.js';

interface PoolInputs {
  x: Tensor4D;
  bias?: Tensor1D;
}

/** Pooling, LRN, and what else DenseNets need, composed like the ops in kernels.ts. */
export const windowKernels = {
  ConcatChannels: ({ a, b }: Record<'a' | 'b', Tensor4D>) => tf.concat([a, b], 3),
  SplitChannels: ({ dy }: { dy: Tensor4D }, { first }: { first: number }) => [
    tf.slice(dy, [0, 0, 0, 0], [-1, -1, -1, first]),
    tf.slice(dy, [0, 0, 0, first], [-1, -1, -1, -1]),
  ],

  SliceImages: ({ x }: { x: Tensor4D }, { begin, end }: ImageRange) =>
    tf.slice(x, [begin, 0, 0, 0], [end - begin, -1, -1, -1]),
  JoinImages: (parts: Tensor4D[]) => (parts.length > 1 ? tf.concat(parts, 0) : parts[0]!.clone()),

  Dropout: ({ x }: { x: Tensor4D }, options: Dropout) => {
    markVarying();
    return tf.mul(x, tf.tensor(dropoutMask(x.size, options), x.shape));
  },

  Pool2D: (inputs: PoolInputs, options: Pool2D) => pooled(activated(inputs, options), options),

  Pool2DGrad: ({ dy, ...inputs }: PoolInputs & { dy: Tensor4D }, options: Pool2D) => {
    const value = activated(inputs, options);
    const padded = whole(value, options);
    const attributes = { filterSize: options.window, strides: options.stride, pad: 'valid' };
    const spread =
      options.kind === 'max'
        ? run('MaxPoolGrad', { dy, input: padded, output: pooled(value, options) }, attributes)[0]!
        : run('AvgPoolGrad', { dy: tf.mul(dy, correction(value.shape, options)), input: padded }, attributes)[0]!;
    const gradient = tf.slice(spread, [0, 0, 0, 0], value.shape);
    const dx = options.relu ? tf.mul(gradient, tf.step(value)) : gradient;
    return inputs.bias ? [dx, tf.sum(dx, [0, 1, 2])] : [dx];
  },

  LrnWithinChannel: ({ x }: { x: Tensor4D }, options: LrnWithinChannel) =>
    tf.mul(x, tf.pow(scales(x, options), -options.beta)),

  LrnWithinChannelGrad: ({ dy, x }: Record<'dy' | 'x', Tensor4D>, options: LrnWithinChannel) => {
    const { size, alpha, beta } = options;
    const s = scales(x, options);
    const terms = tf.mul(tf.mul(dy, x), tf.pow(s, -beta - 1)) as Tensor4D;
    const shared = tf.mul(tf.mul(x, sums(terms, size)), (2 * alpha * beta) / size ** 2);
    return tf.sub(tf.mul(dy, tf.pow(s, -beta)), shared);
  },
};

/** x + bias, then the ReLU if there is one. */
function activated({ x, bias }: PoolInputs, { relu }: Pool2D): Tensor4D {
  const sum = bias ? tf.add<Tensor4D>(x, bias) : x;
  return relu ? tf.relu(sum) : sum;
}

function pooled(value: Tensor4D, options: Pool2D): Tensor {
  const { kind, window, stride } = options;
  const padded = whole(value, options);
  if (kind === 'max') return tf.maxPool(padded, window, stride, 'valid');
  return tf.mul(tf.avgPool(padded, window, stride, 'valid'), correction(value.shape, options));
}

/** Padded below and right so that every window is whole: for a maximum with values that never win, else with zeros. */
function whole(value: Tensor4D, options: Pool2D): Tensor4D {
  const [, rows, columns] = pooledShape(value.shape, options) as [number, number, number];
  const missing = (windows: number, size: number): [number, number] => [
    0,
    Math.max(0, (windows - 1) * options.stride + options.window - size),
  ];
  const padding = [[0, 0], missing(rows, value.shape[1]), missing(columns, value.shape[2]), [0, 0]];
  return tf.pad(value, padding as [number, number][], options.kind === 'max' ? -3e38 : 0);
}

/** Factors that correct the means for padded zeros. */
function correction(shape: number[], options: Pool2D): Tensor {
  const [, rows, columns] = pooledShape(shape, options) as [number, number, number];
  const ratios = (windows: number, size: number) =>
    Array.from({ length: windows }, (_, i) => options.window / Math.min(options.window, size - i * options.stride));
  const [down, across] = [ratios(rows, shape[1]!), ratios(columns, shape[2]!)];
  return tf.mul(tf.reshape(down, [1, -1, 1, 1]), tf.reshape(across, [1, 1, -1, 1]));
}

function scales(x: Tensor4D, { size, alpha }: LrnWithinChannel): Tensor {
  return tf.add(tf.mul(sums(tf.square(x), size), alpha / size ** 2), 1);
}

/** For each value the sum over the size x size pixels around it. */
function sums(values: Tensor4D, size: number): Tensor {
  const reach: [number, number] = [(size - 1) / 2, (size - 1) / 2];
  const padded = tf.pad(values, [[0, 0], reach, reach, [0, 0]]);
  return tf.mul(tf.avgPool(padded as Tensor4D, size, 1, 'valid'), size ** 2);
}
