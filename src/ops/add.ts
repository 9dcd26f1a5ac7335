import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { run } from './kernel.js';
import type { Tape } from './tape.js';

/** a + b, of the same shape. Kernel: tfjs's own Add. */
export function add(tape: Tape, a: Tensor4D, b: Tensor4D): Tensor4D {
  const y = run('Add', { a, b })[0] as Tensor4D;
  return tape.record([a, b], y, (dy: Tensor) => [dy.clone(), dy.clone()]);
}
