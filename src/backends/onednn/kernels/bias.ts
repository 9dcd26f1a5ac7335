import type { TensorInfo } from '@tensorflow/tfjs-core';
import { requireShape } from '../../../ops/kernel.js';
import { kernel } from './kernel.js';

export const biasKernels = [
  kernel('BiasAdd', ({ x, bias }: { x: TensorInfo; bias: TensorInfo }, _attributes, backend) => {
    requireShape(x.shape.slice(-1), { bias });
    const y = backend.allocateActivation(x.shape);
    const one = new Float32Array(bias.shape[0]!).fill(1);
    const added = backend.view(bias);
    backend.addon.affine(backend.activation(x), undefined, one, added, backend.activation(y), false);
    return [y];
  }),
  kernel('BiasAddGrad', ({ dy }: { dy: TensorInfo }, _attributes, backend) => {
    const dBias = backend.allocate([dy.shape.at(-1)!]);
    backend.addon.channelSum(backend.activation(dy), backend.view(dBias));
    return [dBias];
  }),
];
