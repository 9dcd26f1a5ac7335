import {
  backend,
  type KernelConfig,
  registerKernel,
  type Tensor,
  type TensorInfo,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { assembleBatchKernels } from '../../ops/assemble-batch.js';
import type { HostMemory } from '../../ops/kernel.js';
import type { Repeat } from '../backend.js';
import { registerHostKernels } from '../host.js';
import { composedKernels } from './kernels.js';
import { updateKernels } from './updates.js';

/** Registers the kernels composed of tfjs's public ops, on a backend that has those ops. */
export function registerComposedKernels(backendName: string, repeater?: () => Repeat): void {
  registerHostKernels(backendName, uploads, assembleBatchKernels);
  registerTidied(backendName, { ...composedKernels, ...updateKernels(repeater) });
}

type Compute = (inputs: never, attributes: never) => Tensor | Tensor[];

/** Registers kernels composed of tfjs ops, replacing those of the same name; intermediate tensors are disposed of. */
export function registerTidied(backendName: string, kernels: Record<string, Compute>): void {
  for (const [kernelName, compute] of Object.entries(kernels)) {
    const kernelFunc: KernelConfig['kernelFunc'] = ({ inputs, attrs }) =>
      tidy(() => compute(inputs as never, attrs as never));
    registerKernel({ kernelName, backendName, kernelFunc });
  }
}

/** Tensors filled in this process, which the backend uploads when they are first used. */
const uploads: HostMemory = {
  allocate(shape, dtype = 'float32'): TensorInfo {
    const values = new Float32Array(util.sizeFromShape(shape));
    return { dataId: backend().write(values, shape, dtype), shape, dtype };
  },
  view: (tensor) => backend().readSync(tensor.dataId) as Float32Array,
};
