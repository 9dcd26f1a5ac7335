import { type KernelConfig, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernels } from '../ops/index.js';
import type { HostMemory } from '../ops/kernel.js';

interface HostKernel<Memory> {
  name: string;
  compute(inputs: never, attributes: never, memory: Memory): TensorInfo | TensorInfo[];
}

/** Registers kernels that compute in this process, in the memory of their backend. */
export function registerHostKernels<Memory>(
  name: string,
  memory: Memory,
  kernels: readonly HostKernel<Memory>[],
): void {
  for (const { name: kernelName, compute } of kernels) {
    const kernelFunc = (({ inputs, attrs }) =>
      compute(inputs as never, attrs as never, memory)) as KernelConfig['kernelFunc'];
    registerKernel({ kernelName, backendName: name, kernelFunc });
  }
}

/** Lets a backend that computes in this process run the reference kernels in its own memory. */
export function registerReferenceKernels(name: string, memory: HostMemory): void {
  registerHostKernels(name, memory, referenceKernels);
}
