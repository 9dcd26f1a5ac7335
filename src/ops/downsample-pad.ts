import type { Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run, type Shape4D } from './kernel.js';
import type { Tape } from './tape.js';

/** How the size is halved, and where the channels go. */
export interface DownsamplePad {
  /** 1: every second pixel (He et al., option A); 3: the mean over 3x3 pixels, stride 2 (arXiv:1708.07120's net). */
  window: 1 | 3;
  /** Channels of the output; the new ones are zero. */
  channels: number;
  /** The output channel that the first input channel goes to. */
  offset: number;
}

/**
 * A residual net's shortcut without parameters where it halves the size: x [N, H, W, C] -> [N, ceil(H/2), ceil(W/2),
 * channels]. Output pixel (i, j) is the mean over rows 2i .. 2i+window-1 and columns likewise; a window over the edge
 * is cut off there, and its sum divided by the number of pixels left (Caffe's average pooling without padding).
 */
export function downsamplePad(tape: Tape, x: Tensor4D, options: DownsamplePad): Tensor4D {
  const y = run('DownsamplePad', { x }, options)[0] as Tensor4D;
  const inputShape = x.shape;
  return tape.record([x], y, (dy: Tensor) => run('DownsamplePadGrad', { dy }, { ...options, inputShape }));
}

/** The references of DownsamplePad and DownsamplePadGrad. */
export const downsamplePadKernels = [
  referenceKernel('DownsamplePad', (inputs: { x: TensorInfo }, options: DownsamplePad, memory) => {
    const [images, height, width] = inputs.x.shape as Shape4D;
    const output = memory.allocate([images, Math.ceil(height / 2), Math.ceil(width / 2), options.channels]);
    const [y, x] = [memory.view(output).fill(0), memory.view(inputs.x)];
    visit(inputs.x.shape, options, (small, large, channels, share) => {
      for (let c = 0; c < channels; c++) y[small + c]! += x[large + c]! * share;
    });
    return [output];
  }),
  referenceKernel(
    'DownsamplePadGrad',
    (inputs: { dy: TensorInfo }, options: DownsamplePad & { inputShape: number[] }, memory) => {
      const output = memory.allocate(options.inputShape);
      const [dx, dy] = [memory.view(output).fill(0), memory.view(inputs.dy)];
      visit(options.inputShape, options, (small, large, channels, share) => {
        for (let c = 0; c < channels; c++) dx[large + c]! += dy[small + c]! * share;
      });
      return [output];
    },
  ),
];

/** Calls visitPair(output index, input index, channels, 1 / window's pixels) for each pixel pair of a window. */
function visit(
  inputShape: number[],
  { window, channels: outputChannels, offset }: DownsamplePad,
  visitPair: (small: number, large: number, channels: number, share: number) => void,
): void {
  const [images, height, width, channels] = inputShape as Shape4D;
  let small = offset;
  for (let n = 0; n < images; n++) {
    for (let top = 0; top < height; top += 2) {
      for (let left = 0; left < width; left += 2, small += outputChannels) {
        const bottom = Math.min(top + window, height);
        const right = Math.min(left + window, width);
        const share = 1 / ((bottom - top) * (right - left));
        for (let row = top; row < bottom; row++)
          for (let column = left; column < right; column++)
            visitPair(small, ((n * height + row) * width + column) * channels, channels, share);
      }
    }
  }
}
