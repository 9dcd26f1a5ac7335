import {
  backend,
  getKernel,
  type KernelConfig,
  registerKernel,
  type Tensor,
  type TensorInfo,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { assembleBatchKernels } from '../../ops/assemble-batch.js';
import type { HostMemory } from '../../ops/kernel.js';
import { registerHostKernels } from '../host.js';
import { unpadded } from './convolution.js';
import { composedKernels } from './kernels.js';

const registered = new Set<string>();

/** Registers, once, every op of ours but batch norm in training, made of what the backend has; it must be the current one. */
export function registerComposedKernels(backendName: string): void {
  if (registered.has(backendName)) return;
  registered.add(backendName);
  registerHostKernels(backendName, uploads, assembleBatchKernels);
  registerTidied(backendName, composedKernels);
  const stock = Object.keys(unpadded).map((name) => getKernel(name, backendName) as KernelConfig);
  registerTidied(backendName, unpadded);
  for (const { kernelName, kernelFunc } of stock) {
    const { kernelFunc: padded } = getKernel(kernelName, backendName) as KernelConfig;
    registerKernel({
      kernelName,
      backendName,
      kernelFunc: (call) => (call.attrs?.pad ? padded : kernelFunc)(call),
    });
  }
}

type Compute = (inputs: never, attributes: never) => Tensor | Tensor[];

/** Registers kernels that are composed of tfjs ops, replacing those of the same name; what they make on the way is disposed of. */
export function registerTidied(backendName: string, kernels: Record<string, Compute>): void {
  for (const [kernelName, compute] of Object.entries(kernels)) {
    const kernelFunc: KernelConfig['kernelFunc'] = ({ inputs, attrs }) =>
      tidy(() => compute(inputs as never, attrs as never));
    registerKernel({ kernelName, backendName, kernelFunc });
  }
}

/** Tensors filled in this process, which the backend takes over at their first use. */
const uploads: HostMemory = {
  allocate(shape, dtype = 'float32'): TensorInfo {
    const values = new Float32Array(util.sizeFromShape(shape));
    return { dataId: backend().write(values, shape, dtype), shape, dtype };
  },
  view: (tensor) => backend().readSync(tensor.dataId) as Float32Array,
};
