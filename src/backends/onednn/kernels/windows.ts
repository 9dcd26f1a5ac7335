import type { TensorInfo } from '@tensorflow/tfjs-core';
import { requireShape } from '../../../ops/kernel.js';
import type { LrnWithinChannel } from '../../../ops/lrn-within-channel.js';
import { type Pool2D, type PoolInputs, pooledShape } from '../../../ops/pool2d.js';
import { kernel } from './kernel.js';

/** Ops over windows of pixels: pooling with the bias and ReLU before it, and local response normalisation. */
export const windowKernels = [
  kernel('Pool2D', ({ x, bias }: PoolInputs, options: Pool2D, backend) => {
    requireShape(x.shape.slice(-1), { bias });
    const y = backend.allocateActivation(pooledShape(x.shape, options));
    const added = bias && backend.view(bias);
    const [from, to] = [backend.activation(x), backend.activation(y)];
    backend.addon.pool2d(from, added, to, poolShape(x, options), options.kind === 'max', options.relu);
    return [y];
  }),
  kernel('Pool2DGrad', ({ dy, x, bias }: PoolInputs & { dy: TensorInfo }, options: Pool2D, backend) => {
    requireShape(x.shape.slice(-1), { bias });
    requireShape(pooledShape(x.shape, options), { dy });
    const dx = backend.allocateActivation(x.shape);
    const dBias = bias && backend.allocate(bias.shape);
    backend.addon.pool2dGrad(
      backend.activation(dy),
      backend.activation(x),
      bias && backend.view(bias),
      backend.activation(dx),
      dBias && backend.view(dBias),
      poolShape(x, options),
      options.kind === 'max',
      options.relu,
    );
    return dBias ? [dx, dBias] : [dx];
  }),
  kernel('LrnWithinChannel', ({ x }: { x: TensorInfo }, { size, alpha, beta }: LrnWithinChannel, backend) => {
    const y = backend.allocateActivation(x.shape);
    backend.addon.lrn(backend.activation(x), backend.activation(y), Int32Array.of(...x.shape, size), alpha, beta);
    return [y];
  }),
  kernel(
    'LrnWithinChannelGrad',
    ({ dy, x }: Record<'dy' | 'x', TensorInfo>, { size, alpha, beta }: LrnWithinChannel, backend) => {
      requireShape(x.shape, { dy });
      const dx = backend.allocateActivation(x.shape);
      const [g, from, to] = [backend.activation(dy), backend.activation(x), backend.activation(dx)];
      backend.addon.lrnGrad(g, from, to, Int32Array.of(...x.shape, size), alpha, beta);
      return [dx];
    },
  ),
];

function poolShape({ shape }: TensorInfo, options: Pool2D): Int32Array {
  const [, rows, columns] = pooledShape(shape, options) as [number, number, number];
  return Int32Array.of(...shape, rows, columns, options.window, options.stride);
}
