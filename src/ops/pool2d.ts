import type { Tensor, Tensor1D, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { type HostMemory, referenceKernel, run } from './kernel.js';
import type { Tape } from './tape.js';

/** How windows are laid out and what is computed from their pixels. */
export interface Pool2D {
  kind: 'max' | 'average';
  /** Pixels on each side. */
  window: number;
  /** Pixels from one window to the next. */
  stride: number;
  /** Takes max(0, x + bias) of each pixel before the pooling; for a maximum the order makes no difference. */
  relu: boolean;
}

/**
 * Pooling of x + bias [N, H, W, C], with ReLU if asked for. As in Caffe the output's size is rounded up: the windows at
 * the bottom and right edges are cut off there, and an average is over the pixels left. No padding. The gradient of
 * a maximum goes to the first of equal pixels, row by row.
 */
export function pool2d(tape: Tape, x: Tensor4D, options: Pool2D, bias?: Tensor1D): Tensor4D {
  const y = run('Pool2D', { x, bias }, options)[0] as Tensor4D;
  return tape.record(bias ? [x, bias] : [x], y, (dy: Tensor) => run('Pool2DGrad', { dy, x, bias }, options));
}

/** Windows along an axis of `size` pixels: as many as it takes to reach the end, but none that begins beyond it. */
export function pooledSize(size: number, { window, stride }: Pick<Pool2D, 'window' | 'stride'>): number {
  return Math.min(Math.max(0, Math.ceil((size - window) / stride)) + 1, Math.ceil(size / stride));
}

/** [N, H, W, C] of the output. */
export function pooledShape([images, height, width, channels]: number[], options: Pool2D): number[] {
  return [images!, pooledSize(height!, options), pooledSize(width!, options), channels!];
}

/** x [N, H, W, C], bias [C]. */
export interface PoolInputs {
  x: TensorInfo;
  bias?: TensorInfo;
}

/** The references of Pool2D and Pool2DGrad. */
export const pool2dKernels = [
  referenceKernel('Pool2D', ({ x: input, bias }: PoolInputs, options: Pool2D, memory: HostMemory) => {
    const output = memory.allocate(pooledShape(input.shape, options));
    const [y, x, added] = [memory.view(output), memory.view(input), bias && memory.view(bias)];
    const value = afterRelu(x, added, options.relu);
    eachWindow(input.shape, options, (small, pixels, c) => {
      if (options.kind === 'max') y[small] = value(largest(x, pixels), c);
      else y[small] = pixels.reduce((sum, pixel) => sum + value(pixel, c), 0) / pixels.length;
    });
    return [output];
  }),
  /** [dx, dBias if there is a bias] */
  referenceKernel('Pool2DGrad', (inputs: PoolInputs & { dy: TensorInfo }, options: Pool2D, memory: HostMemory) => {
    const { dy: given, x: input, bias } = inputs;
    const channels = input.shape[3]!;
    const outputs = [memory.allocate(input.shape), ...(bias ? [memory.allocate([channels])] : [])];
    const [dx, dBias] = outputs.map((t) => memory.view(t).fill(0)) as [Float32Array, Float32Array?];
    const [dy, x, added] = [memory.view(given), memory.view(input), bias && memory.view(bias)];
    const value = afterRelu(x, added, options.relu);
    eachWindow(input.shape, options, (small, pixels, c) => {
      const targets = options.kind === 'max' ? [largest(x, pixels)] : pixels;
      for (const pixel of targets) if (!options.relu || value(pixel, c) > 0) dx[pixel]! += dy[small]! / targets.length;
    });
    if (dBias) {
      const sums = new Float64Array(channels);
      for (let i = 0; i < dx.length; i++) sums[i % channels]! += dx[i]!;
      dBias.set(sums);
    }
    return outputs;
  }),
];

function afterRelu(x: Float32Array, bias: Float32Array | undefined, relu: boolean) {
  return (pixel: number, channel: number) => {
    const sum = x[pixel]! + (bias ? bias[channel]! : 0);
    return relu && sum < 0 ? 0 : sum; // NaN stays, so that a diverged run is noticed
  };
}

/** The index of the first largest value, or of a NaN if there is one. */
function largest(x: Float32Array, pixels: number[]): number {
  return pixels.reduce((best, pixel) => (x[pixel]! > x[best]! || Number.isNaN(x[pixel]) ? pixel : best));
}

/** Calls `visit(output index, input indices of the window, channel)` for each output value. */
function eachWindow(
  inputShape: number[],
  options: Pool2D,
  visit: (small: number, pixels: number[], channel: number) => void,
): void {
  const [images, height, width, channels] = inputShape as [number, number, number, number];
  const [, rows, columns] = pooledShape(inputShape, options) as [number, number, number];
  const span = (i: number, size: number) => {
    const start = i * options.stride;
    return Array.from({ length: Math.min(options.window, size - start) }, (_, k) => start + k);
  };
  let small = 0;
  for (let n = 0; n < images; n++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        const across = span(j, width);
        const window = span(i, height).flatMap((row) =>
          across.map((column) => ((n * height + row) * width + column) * channels),
        );
        for (let c = 0; c < channels; c++, small++)
          visit(
            small,
            window.map((pixel) => pixel + c),
            c,
          );
      }
}
