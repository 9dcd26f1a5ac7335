import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { run } from './kernel.js';
import type { Tape } from './tape.js';

/** x [N, H, W, C] -> [N, H W C], the same values. Kernel: tfjs's own Reshape. */
export function flatten(tape: Tape, x: Tensor4D): Tensor2D {
  const { shape } = x;
  const y = run('Reshape', { x }, { shape: [shape[0], x.size / shape[0]] })[0] as Tensor2D;
  return tape.record([x], y, (dy: Tensor) => run('Reshape', { x: dy }, { shape }));
}
