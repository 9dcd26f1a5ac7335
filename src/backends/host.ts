import { type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import { referenceKernels } from '../ops/index.js';
import type { HostMemory } from '../ops/kernel.js';

/** Lets a backend that computes in this process run the reference kernels in its own memory. */
export function registerReferenceKernels(backendName: string, memory: HostMemory, kernels = referenceKernels): void {
  for (const { name, compute } of kernels) {
    const kernelFunc = ({ inputs, attrs }: { inputs: unknown; attrs: unknown }) =>
      compute(inputs as never, attrs as never, memory);
    registerKernel({ kernelName: name, backendName, kernelFunc: kernelFunc as unknown as KernelConfig['kernelFunc'] });
  }
}
