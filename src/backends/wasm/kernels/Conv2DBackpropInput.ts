import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Shape4D } from '../../../ops/kernel.js';
import { conv2d, heap } from '../heap.js';

/** Attributes of the forward convolution; `pad`: zeros on every side. */
export interface Conv2DGradientAttributes {
  strides: [number, number];
  pad: number;
}

/**
 * dx[h, w] = sum over taps k of dy[o] filter[k] where h = stride o + k - pad (likewise w), as ONE forward convolution:
 * with h = stride i + phase, o = i + t: dx[stride i + phase] = sum over t of dy[i + t] filter[phase + pad - stride t].
 * The stride^2 phases of dx become channels of the output, which are then spread over the pixels. At stride 1 this is
 * the convolution with the rotated filter. dy [N, Ho, Wo, Co], filter [K, K, Ci, Co] -> [N, H, W, Ci].
 */
export function conv2dBackpropInput(
  { dy, filter }: Record<'dy' | 'filter', TensorInfo>,
  { strides: [stride], pad, inputShape }: Conv2DGradientAttributes & { inputShape: Shape4D },
): TensorInfo {
  const size = filter.shape[0]!;
  const first = Math.ceil((pad - size + 1) / stride);
  const last = Math.floor((pad + stride - 1) / stride);
  const phaseFilter = splitIntoPhases(filter, stride, pad, first, last);
  const after = (input: number, output: number) => Math.ceil(input / stride) + last - output;
  const phases = conv2d(dy, phaseFilter, {
    strides: [1, 1],
    dilations: [1, 1],
    pad: [
      [0, 0],
      [-first, after(inputShape[1], dy.shape[1]!)],
      [-first, after(inputShape[2], dy.shape[2]!)],
      [0, 0],
    ],
  }); // [N, ceil(H/stride), ceil(W/stride), stride^2 Ci]
  heap.release(phaseFilter);
  if (stride === 1) return phases;
  const dx = interleavePhases(phases, stride, inputShape);
  heap.release(phases);
  return dx;
}

/** [taps, taps, Co, stride^2 Ci] with [t, u, co, phase of h, phase of w, ci]; zero where a phase has no such tap. */
function splitIntoPhases(filter: TensorInfo, stride: number, pad: number, first: number, last: number): TensorInfo {
  const [height, width, from, to] = filter.shape as Shape4D;
  const taps = last - first + 1;
  const output = heap.allocate([taps, taps, to, stride * stride * from]);
  const [split, values] = [heap.view(output).fill(0), heap.view(filter)];
  for (let k = 0; k < height; k++) {
    const [t, a] = tapAndPhase(k - pad, stride);
    for (let l = 0; l < width; l++) {
      const [u, b] = tapAndPhase(l - pad, stride);
      for (let ci = 0; ci < from; ci++)
        for (let co = 0; co < to; co++) {
          const tap = ((t - first) * taps + u - first) * to + co;
          split[(tap * stride * stride + a * stride + b) * from + ci] =
            values[((k * width + l) * from + ci) * to + co]!;
        }
    }
  }
  return output;
}

/** The t and phase with phase - stride t = `shift`, 0 <= phase < stride. */
function tapAndPhase(shift: number, stride: number): [number, number] {
  const t = Math.ceil(-shift / stride);
  return [t, shift + stride * t];
}

function interleavePhases(phases: TensorInfo, stride: number, shape: Shape4D): TensorInfo {
  const [images, height, width, channels] = shape;
  const [rows, columns] = [phases.shape[1]!, phases.shape[2]!];
  const output = heap.allocate(shape);
  const [dx, source] = [heap.view(output), heap.view(phases)];
  let i = 0;
  for (let n = 0; n < images; n++) {
    for (let h = 0; h < height; h++) {
      const row = (n * rows + Math.floor(h / stride)) * columns;
      for (let w = 0; w < width; w++) {
        const pixel = (row + Math.floor(w / stride)) * stride + (h % stride);
        let from = (pixel * stride + (w % stride)) * channels;
        for (let c = 0; c < channels; c++) dx[i++] = source[from++]!;
      }
    }
  }
  return output;
}
