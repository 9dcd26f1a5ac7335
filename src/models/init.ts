import { util } from '@tensorflow/tfjs-core';
import type { Random } from '../random.js';

/**
 * Initial filters and weights, by their number of inputs `fanIn` and outputs `fanOut` (of a filter: pixels x channels):
 * he-normal: N(0, 2/fanIn) (arXiv:1502.01852, Caffe's "msra"); xavier: uniform, variance 2/(fanIn+fanOut) (Glorot &
 * Bengio 2010); torch-default: uniform within 1/sqrt(fanIn) (PyTorch's reset_parameters), dense biases too.
 */
export const initNames = ['he-normal', 'xavier', 'torch-default'] as const;
/** One of `initNames`. */
export type Init = (typeof initNames)[number];
/** Description of the option `init`. */
export const initDescription = [
  'initial weights. he-normal: normal, variance 2 / fan_in',
  'xavier: uniform, variance 2 / (fan_in + fan_out)',
  "torch-default: uniform within 1 / sqrt(fan_in), PyTorch's own",
].join('; ');

/** N(0, deviation^2), whatever the layer's size. */
export interface Gaussian {
  deviation: number;
}

/** Initial values of a filter [K, K, Cin, Cout] or of weights [I, O]. */
export function initialWeights(init: Init | Gaussian, shape: number[], random: Random): Float32Array {
  const size = util.sizeFromShape(shape);
  if (typeof init === 'object') return new Float32Array(size).map(() => init.deviation * random.normal());
  const fanIn = size / shape.at(-1)!;
  const fanOut = size / shape.at(-2)!;
  const draw = {
    'he-normal': () => Math.sqrt(2 / fanIn) * random.normal(),
    xavier: () => Math.sqrt(6 / (fanIn + fanOut)) * (2 * random.uniform() - 1),
    'torch-default': () => (2 * random.uniform() - 1) / Math.sqrt(fanIn),
  }[init];
  return new Float32Array(size).map(draw);
}

/** Initial values of a dense layer's bias. */
export function initialBias(init: Init | Gaussian, fanIn: number, size: number, random: Random): Float32Array {
  const bound = init === 'torch-default' ? 1 / Math.sqrt(fanIn) : 0;
  return new Float32Array(size).map(() => bound * (2 * random.uniform() - 1));
}
