import { getKernel, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from './kernel.js';

/** a + b of the same shape; broadcasting and types other than float32 are left to tfjs's own kernel. */
export const addKernel = kernel('Add', (inputs: { a: TensorInfo; b: TensorInfo }, attrs, backend) => {
  const { a, b } = inputs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || !util.arraysEqual(a.shape, b.shape))
    return getKernel('Add', 'cpu').kernelFunc({ inputs: inputs as never, attrs: attrs as never, backend });
  if (backend.stored(a).isHalf !== backend.stored(b).isHalf) for (const t of [a, b]) backend.view(t);
  return backend.sum(a, b);
});
