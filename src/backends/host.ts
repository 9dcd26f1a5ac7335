import { type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import { referenceKernels } from '../ops/index.js';
import type { HostMemory, Kernel } from '../ops/kernel.js';

/** Registers kernels that compute in this process, in the memory of their backend. */
export function registerHostKernels<Memory>(name: string, memory: Memory, kernels: readonly Kernel<Memory>[]): void {
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
