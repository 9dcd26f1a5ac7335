import type { Tensor4D } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';

/** What fills pixels outside an image: black; mirrored about the edge pixel; mirrored with the edge pixel repeated. */
export type PadMode = 'zero' | 'reflect' | 'symmetric';

/** Which images make up a batch, and how each is cropped, mirrored and normalised. */
export interface AssembleBatch {
  /** All images of the split, bytes [M, H, W, C]. The same array each time, so that a device keeps one copy of it. */
  images: Uint8Array;
  /** [H, W, C] */
  imageShape: [number, number, number];
  /** `planWidth` numbers per image: index into `images`, top and left of the crop (0..2 pad), flip (0 or 1). */
  plan: Int32Array;
  /** Pixels added on each side before the crop. */
  pad: number;
  padMode: PadMode;
  /** [C], of pixel values scaled to 0..1. */
  mean: number[];
  /** [C], their standard deviation. */
  deviation: number[];
  /** [H, W, C], subtracted from the normalised values of pixels inside the image; absent: nothing is subtracted. */
  meanImage?: Float32Array | undefined;
}

/** Numbers that a plan holds for each image: index, top, left, flip. */
export const planWidth = 4;

/**
 * A batch [N, H, W, C] from the bytes of a data set: gathers, pads, crops, mirrors left-right, and normalises to
 * (pixel/255 - mean) / deviation - meanImage, the last taken at the pixel's place in its image, as in Caffe. Padding is
 * done on the pixels (zero means black, with no mean image subtracted), as in torchvision's transforms.
 */
export function assembleBatch(attributes: AssembleBatch): Tensor4D {
  return run('AssembleBatch', {}, attributes)[0] as Tensor4D;
}

/** The reference of AssembleBatch: no input, output [N, H, W, C]. */
export const assembleBatchKernels = [
  referenceKernel('AssembleBatch', (_inputs: object, batch: AssembleBatch, memory) => {
    const { images, imageShape, plan, pad, padMode, meanImage } = batch;
    const [height, width, channels] = imageShape;
    const count = plan.length / planWidth;
    const output = memory.allocate([count, height, width, channels]);
    const y = memory.view(output);
    const normalised = normalisationTables(batch);
    let i = 0;
    for (let n = 0; n < count; n++) {
      const [index, top, left, flip] = plan.subarray(n * planWidth, (n + 1) * planWidth) as unknown as [
        number,
        number,
        number,
        number,
      ];
      for (let h = 0; h < height; h++) {
        const row = sourcePixel(h + top - pad, height, padMode);
        for (let w = 0; w < width; w++) {
          const column = sourcePixel((flip ? width - 1 - w : w) + left - pad, width, padMode);
          const inside = row >= 0 && column >= 0;
          const place = (row * width + column) * channels;
          const pixel = index * height * width * channels + place;
          for (let c = 0; c < channels; c++) {
            const value = normalised[c]![inside ? images[pixel + c]! : 0]!;
            y[i++] = inside && meanImage ? value - meanImage[place + c]! : value;
          }
        }
      }
    }
    return [output];
  }),
];

/** For each channel the normalised value of each of the 256 bytes. */
export function normalisationTables({ mean, deviation }: Pick<AssembleBatch, 'mean' | 'deviation'>): Float32Array[] {
  return mean.map((m, c) => Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - m) / deviation[c]!));
}

/** The image's row (or column) that fills row `i` of the padded image; -1 for black. */
export function sourcePixel(i: number, size: number, mode: PadMode): number {
  if (i >= 0 && i < size) return i;
  if (mode === 'zero') return -1;
  const edge = mode === 'reflect' ? 0 : 1;
  return i < 0 ? -i - edge : 2 * size - 2 - i + edge;
}
