import os from 'node:os';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  backend,
  enableProdMode,
  env,
  type KernelConfig,
  registerKernel,
  setBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import type { Availability, Backend } from '../backend.js';
import { registerReferenceKernels } from '../host.js';
import { heap } from './heap.js';
import { conv2dBackpropFilter } from './kernels/Conv2DBackpropFilter.js';
import { conv2dBackpropInput } from './kernels/Conv2DBackpropInput.js';

const device = `${os.cpus()[0]?.model ?? 'processor'} (WebAssembly, one thread)`;

/** tfjs's WebAssembly backend (XNNPACK) with our own convolution gradients: one core, wherever Node runs. */
export const wasm: Backend = {
  name: 'wasm',
  precisions: ['f32'],
  maxThreads: 1, // tfjs has no threads in Node
  async probe(): Promise<Availability> {
    if (await env().getAsync('WASM_HAS_SIMD_SUPPORT')) return { usable: true, device };
    return {
      usable: false,
      reason: 'no SIMD in WebAssembly on this processor',
      remedy: 'choose the cpu backend by name (very slow), or another machine',
    };
  },
  async activate({ precision = 'f32' }) {
    const availability = await wasm.probe();
    if (!availability.usable)
      throw new ClrError('backend', `the wasm backend does not work here: ${availability.reason}`, availability.remedy);
    enableProdMode(); // also silences warnings about replaced kernels
    await setBackend('wasm');
    throwWhenOutOfMemory();
    registerReferenceKernels('wasm', heap);
    register('Conv2DBackpropInput', conv2dBackpropInput);
    register('Conv2DBackpropFilter', conv2dBackpropFilter);
    return { name: 'wasm', device, precision, threads: 1 };
  },
};

function register(kernelName: string, compute: (inputs: never, attributes: never) => TensorInfo): void {
  const kernelFunc: KernelConfig['kernelFunc'] = ({ inputs, attrs }) => compute(inputs as never, attrs as never);
  registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
}

let guarded: unknown;

/** The heap ends at 4 GiB; tfjs does not check whether malloc failed and would overwrite address 0. */
function throwWhenOutOfMemory(): void {
  const module = (backend() as BackendWasm).wasm as unknown as { _malloc(bytes: number): number };
  if (guarded === module) return;
  guarded = module;
  const { _malloc: malloc } = module;
  module._malloc = (bytes) => {
    const offset = malloc(bytes);
    if (offset === 0 && bytes > 0)
      throw new ClrError('failed', 'out of memory: the wasm backend has 4 GiB', 'use a smaller batch_size');
    return offset;
  };
}
