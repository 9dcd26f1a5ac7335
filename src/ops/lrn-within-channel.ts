import type { Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { type HostMemory, referenceKernel, run } from './kernel.js';
import type { Tape } from './tape.js';

/** Constants of local response normalisation within channels. */
export interface LrnWithinChannel {
  /** Pixels on each side of the window, which is centred: an odd number. */
  size: number;
  alpha: number;
  beta: number;
}

/**
 * y = x s^-beta with s = 1 + alpha / size^2 (sum of x^2 over the size x size pixels around, zeros outside the image),
 * within each channel of x [N, H, W, C]: Caffe's LRN layer with norm_region WITHIN_CHANNEL.
 */
export function lrnWithinChannel(tape: Tape, x: Tensor4D, options: LrnWithinChannel): Tensor4D {
  const y = run('LrnWithinChannel', { x }, options)[0] as Tensor4D;
  return tape.record([x], y, (dy: Tensor) => run('LrnWithinChannelGrad', { dy, x }, options));
}

/** The references of LrnWithinChannel and LrnWithinChannelGrad. */
export const lrnWithinChannelKernels = [
  referenceKernel('LrnWithinChannel', (inputs: { x: TensorInfo }, options: LrnWithinChannel, memory: HostMemory) => {
    const output = memory.allocate(inputs.x.shape);
    const [y, x] = [memory.view(output), memory.view(inputs.x)];
    const s = scales(x, inputs.x.shape, options);
    for (let i = 0; i < x.length; i++) y[i] = x[i]! * s[i]! ** -options.beta;
    return [output];
  }),
  /** dx = dy s^-beta - 2 alpha beta / size^2 x (sum over the window of dy x s^(-beta-1)) */
  referenceKernel(
    'LrnWithinChannelGrad',
    (inputs: { dy: TensorInfo; x: TensorInfo }, options: LrnWithinChannel, memory: HostMemory) => {
      const { size, alpha, beta } = options;
      const output = memory.allocate(inputs.x.shape);
      const [dx, dy, x] = [memory.view(output), memory.view(inputs.dy), memory.view(inputs.x)];
      const s = scales(x, inputs.x.shape, options);
      const shared = windowSums(
        Float64Array.from(x, (value, i) => dy[i]! * value * s[i]! ** (-beta - 1)),
        inputs.x.shape,
        size,
      );
      const factor = (2 * alpha * beta) / size ** 2;
      for (let i = 0; i < x.length; i++) dx[i] = dy[i]! * s[i]! ** -beta - factor * x[i]! * shared[i]!;
      return [output];
    },
  ),
];

function scales(x: Float32Array, shape: number[], { size, alpha }: LrnWithinChannel): Float64Array {
  const squares = Float64Array.from(x, (value) => value * value);
  return windowSums(squares, shape, size).map((sum) => 1 + (alpha / size ** 2) * sum);
}

/** For each value the sum over the size x size pixels around it. */
function windowSums(values: Float64Array, shape: number[], size: number): Float64Array {
  const [images, height, width, channels] = shape as [number, number, number, number];
  const reach = (size - 1) / 2;
  const sums = new Float64Array(values.length);
  let i = 0;
  for (let n = 0; n < images; n++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        for (let c = 0; c < channels; c++, i++)
          for (let r = Math.max(0, row - reach); r <= Math.min(height - 1, row + reach); r++)
            for (let q = Math.max(0, column - reach); q <= Math.min(width - 1, column + reach); q++)
              sums[i]! += values[((n * height + r) * width + q) * channels + c]!;
  return sums;
}
