import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { run } from './kernel.js';
import type { Tape } from './tape.js';

/**
 * Convolution of x [N, H, W, Cin] with filter [K, K, Cin, Cout]: [N, ceil(H/stride), ceil(W/stride), Cout] for odd K.
 * Pads floor((K-1)/2) zeros on every side, as Caffe and PyTorch do (TensorFlow's "same" pads unevenly at stride 2).
 * Kernels: tfjs's own Conv2D, Conv2DBackpropInput and Conv2DBackpropFilter.
 */
export function conv2d(tape: Tape, x: Tensor4D, filter: Tensor4D, stride: number): Tensor4D {
  const pad = Math.floor((filter.shape[0] - 1) / 2);
  const attributes = { strides: [stride, stride], pad, dataFormat: 'NHWC', dimRoundingMode: 'floor' };
  const y = run('Conv2D', { x, filter }, { ...attributes, dilations: [1, 1] })[0] as Tensor4D;
  const inputShape = x.shape;
  const filterShape = filter.shape;
  return tape.record([x, filter], y, (dy: Tensor, [wantsX]) => [
    wantsX ? run('Conv2DBackpropInput', { dy, filter }, { ...attributes, inputShape })[0] : undefined,
    run('Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape })[0],
  ]);
}
