import { getKernel, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from './kernel.js';

/** a + b of one shape; what needs broadcasting, or is not float32, goes to tfjs's own kernel. */
export const addKernel = kernel('Add', (inputs: { a: TensorInfo; b: TensorInfo }, attrs, backend) => {
  const { a, b } = inputs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || !util.arraysEqual(a.shape, b.shape))
    return getKernel('Add', 'cpu').kernelFunc({ inputs: inputs as never, attrs: attrs as never, backend });
  const both = backend.isHalf(a) && backend.isHalf(b);
  const y = both ? backend.allocateActivation(a.shape) : backend.allocate(a.shape);
  const values = both ? (t: TensorInfo) => backend.activation(t) : (t: TensorInfo) => backend.view(t);
  backend.addon.add(values(a), values(b), values(y));
  return y;
});
