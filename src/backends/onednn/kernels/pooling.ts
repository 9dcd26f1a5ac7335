import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { DownsamplePad } from '../../../ops/downsample-pad.js';
import { requireShape, type Shape4D } from '../../../ops/kernel.js';
import { kernel } from './kernel.js';

export const poolingKernels = [
  kernel('GlobalAveragePool', ({ x }: { x: TensorInfo }, _attributes, backend) => {
    const [images, height, width, channels] = x.shape as Shape4D;
    const y = backend.allocate([images, channels]);
    backend.addon.pool(backend.activation(x), backend.view(y), images, height * width, channels);
    return [y];
  }),
  kernel(
    'GlobalAveragePoolGrad',
    ({ dy }: { dy: TensorInfo }, { height, width }: { height: number; width: number }, backend) => {
      const [images, channels] = dy.shape as [number, number];
      const dx = backend.allocateActivation([images, height, width, channels]);
      backend.addon.poolGrad(backend.view(dy), backend.activation(dx), images, height * width, channels);
      return [dx];
    },
  ),
  kernel('DownsamplePad', ({ x }: { x: TensorInfo }, options: DownsamplePad, backend) => {
    const y = backend.allocateActivation(halved(x.shape, options));
    backend.addon.downsample(backend.activation(x), backend.activation(y), nativeShape(x.shape, options));
    return [y];
  }),
  kernel(
    'DownsamplePadGrad',
    ({ dy }: { dy: TensorInfo }, options: DownsamplePad & { inputShape: number[] }, backend) => {
      requireShape(halved(options.inputShape, options), { dy });
      const dx = backend.allocateActivation(options.inputShape);
      const shape = nativeShape(options.inputShape, options);
      backend.addon.downsampleGrad(backend.activation(dy), backend.activation(dx), shape);
      return [dx];
    },
  ),
];

function halved(inputShape: number[], { channels }: DownsamplePad): number[] {
  const [images, height, width] = inputShape as Shape4D;
  return [images, Math.ceil(height / 2), Math.ceil(width / 2), channels];
}

function nativeShape(inputShape: number[], { window, channels, offset }: DownsamplePad): Int32Array {
  if (!(offset >= 0 && offset + inputShape[3]! <= channels))
    throw new Error(`${inputShape[3]} channels do not fit into ${channels} from ${offset} on`);
  return Int32Array.from([...inputShape, channels, window, offset]);
}
