import type { Tensor, Tensor2D, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run, type Shape4D } from './kernel.js';
import type { Tape } from './tape.js';

/** The mean over height and width: x [N, H, W, C] -> [N, C]. */
export function globalAveragePool(tape: Tape, x: Tensor4D): Tensor2D {
  const y = run('GlobalAveragePool', { x })[0] as Tensor2D;
  const [, height, width] = x.shape;
  return tape.record([x], y, (dy: Tensor) => run('GlobalAveragePoolGrad', { dy }, { height, width }));
}

/** The references of GlobalAveragePool and GlobalAveragePoolGrad (dx = dy / pixels). */
export const globalAveragePoolKernels = [
  referenceKernel('GlobalAveragePool', (inputs: { x: TensorInfo }, _attributes, memory) => {
    const [images, height, width, channels] = inputs.x.shape as Shape4D;
    const output = memory.allocate([images, channels]);
    const [y, x] = [memory.view(output), memory.view(inputs.x)];
    const sum = new Float64Array(channels);
    for (let n = 0, i = 0; n < images; n++) {
      sum.fill(0);
      for (let pixel = 0; pixel < height * width; pixel++) for (let c = 0; c < channels; c++) sum[c]! += x[i++]!;
      for (let c = 0; c < channels; c++) y[n * channels + c] = sum[c]! / (height * width);
    }
    return [output];
  }),
  referenceKernel(
    'GlobalAveragePoolGrad',
    (inputs: { dy: TensorInfo }, { height, width }: { height: number; width: number }, memory) => {
      const [images, channels] = inputs.dy.shape as [number, number];
      const output = memory.allocate([images, height, width, channels]);
      const [dx, dy] = [memory.view(output), memory.view(inputs.dy)];
      for (let n = 0, i = 0; n < images; n++)
        for (let pixel = 0; pixel < height * width; pixel++)
          for (let c = 0; c < channels; c++) dx[i++] = dy[n * channels + c]! / (height * width);
      return [output];
    },
  ),
];
