import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Shape4D } from '../../../ops/kernel.js';
import { conv2d, heap } from '../heap.js';
import type { Conv2DGradientAttributes } from './Conv2DBackpropInput.js';

/** Images processed at once: their part of dy, packed by XNNPACK, stays in the cache (8 is slower, 32 no faster). */
const chunk = 16;

/**
 * dFilter[k, l, ci, co] = sum over n, i, j of x[n, stride i + k - pad, stride j + l - pad, ci] dy[n, i, j, co]: a
 * convolution of x as [Ci, H, W, N] with dy as the filter [Ho, Wo, N, Co], dilated by the stride: [Ci, K, K, Co].
 */
export function conv2dBackpropFilter(
  { x, dy }: Record<'x' | 'dy', TensorInfo>,
  { strides: [stride], pad, filterShape }: Conv2DGradientAttributes & { filterShape: Shape4D },
): TensorInfo {
  const [size, , from, to] = filterShape;
  const [images, dyHeight, dyWidth] = dy.shape as Shape4D;
  const window = [dyHeight, dyWidth].map((length) => size + stride * (length - 1)) as [number, number];
  const sum = new Float64Array(size * size * from * to);
  for (let start = 0; start < images; start += chunk) {
    const count = Math.min(chunk, images - start);
    const input = imagesLast(x, start, count, pad, window);
    const filter = imagesBeforeChannels(dy, start, count);
    const part = conv2d(input, filter, { strides: [1, 1], dilations: [stride, stride], pad: 'valid' });
    addChannelsInner(sum, heap.view(part), size * size, from, to);
    for (const tensor of [input, filter, part]) heap.release(tensor);
  }
  const output = heap.allocate(filterShape);
  heap.view(output).set(sum);
  return output;
}

/**
 * Images start .. start+count-1 of x [N, H, W, C], with `pad` zeros in front, then cut or zero-filled to the window's
 * height and width: [C, height, width, count]. (Padding here also keeps the channels from lying a power of two apart,
 * where they would evict each other from the cache.)
 */
function imagesLast(x: TensorInfo, start: number, count: number, pad: number, window: [number, number]): TensorInfo {
  const [, rows, columns, channels] = x.shape as Shape4D;
  const [height, width] = window;
  const output = heap.allocate([channels, height, width, count]);
  const [y, values] = [heap.view(output).fill(0), heap.view(x)];
  const step = height * width * count;
  for (let h = 0; h < Math.min(rows, height - pad); h++) {
    for (let w = 0; w < Math.min(columns, width - pad); w++) {
      for (let n = 0; n < count; n++) {
        let from = (((start + n) * rows + h) * columns + w) * channels;
        let to = ((h + pad) * width + w + pad) * count + n;
        for (let c = 0; c < channels; c++, to += step) y[to] = values[from++]!;
      }
    }
  }
  return output;
}

/** Images start .. start+count-1 of dy [N, H, W, C] as [H, W, count, C]. */
function imagesBeforeChannels(dy: TensorInfo, start: number, count: number): TensorInfo {
  const [, height, width, channels] = dy.shape as Shape4D;
  const output = heap.allocate([height, width, count, channels]);
  const [y, values] = [heap.view(output), heap.view(dy)];
  let from = start * height * width * channels;
  for (let n = 0; n < count; n++) {
    for (let pixel = 0; pixel < height * width; pixel++) {
      let to = (pixel * count + n) * channels;
      for (let c = 0; c < channels; c++) y[to++] = values[from++]!;
    }
  }
  return output;
}

/** sum [K K, Ci, Co] += part [Ci, K K, Co] */
function addChannelsInner(sum: Float64Array, part: Float32Array, taps: number, from: number, to: number): void {
  let i = 0;
  for (let ci = 0; ci < from; ci++)
    for (let tap = 0; tap < taps; tap++)
      for (let co = 0, o = (tap * from + ci) * to; co < to; co++) sum[o++]! += part[i++]!;
}
