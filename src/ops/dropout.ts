import type { Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';
import type { Tape } from './tape.js';

/** Which values are dropped: the i-th if the hash of i and `key` is among the lowest share `rate` of all hashes. */
export interface Dropout {
  /** Share of the values, below 1. */
  rate: number;
  /** A whole number below 2^32, different for each layer and update. */
  key: number;
}

/**
 * In training, zeros a share of x and divides the rest by the share kept (Srivastava et al. 2014, in its inverted
 * form); otherwise returns x itself. The mask depends only on the key and the value's index, so it takes no memory and
 * is the same on any backend.
 */
export function dropout(tape: Tape, x: Tensor4D, options: Dropout): Tensor4D {
  if (!tape.training || options.rate === 0) return x;
  const y = run('Dropout', { x }, options)[0] as Tensor4D;
  return tape.record([x], y, (dy: Tensor) => run('Dropout', { x: dy }, options));
}

/** The reference of Dropout, which is its own gradient. */
export const dropoutKernels = [
  referenceKernel('Dropout', (inputs: { x: TensorInfo }, { rate, key }: Dropout, memory) => {
    const output = memory.allocate(inputs.x.shape);
    const [y, x] = [memory.view(output), memory.view(inputs.x)];
    const mask = dropoutMask(x.length, { rate, key });
    for (let i = 0; i < x.length; i++) y[i] = x[i]! * mask[i]!;
    return [output];
  }),
];

/** The factors on `count` values. */
export function dropoutMask(count: number, { rate, key }: Dropout): Float32Array {
  const threshold = dropoutThreshold(rate);
  const kept = 1 / (1 - rate);
  return Float32Array.from({ length: count }, (_, i) => (mix((mix(i) + key) >>> 0) < threshold ? 0 : kept));
}

/** Values whose hash is below it are dropped. */
export function dropoutThreshold(rate: number): number {
  return Math.floor(rate * 2 ** 32);
}

/** The final mix of MurmurHash3, 32 bits. */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
