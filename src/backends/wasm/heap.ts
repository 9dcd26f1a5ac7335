import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { backend, type DataType, getKernel, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import type { HostMemory } from '../../ops/kernel.js';

/** Tensors in the WebAssembly heap, for plain loops. */
export const heap = {
  allocate: (shape: number[], dtype: DataType = 'float32'): TensorInfo => wasmBackend().makeOutput(shape, dtype),
  view: (tensor: TensorInfo) => wasmBackend().typedArrayFromHeap(tensor) as Float32Array,
  /** Frees what a kernel allocated for itself. */
  release: (tensor: TensorInfo): boolean => wasmBackend().disposeData(tensor.dataId),
} satisfies HostMemory & Record<string, unknown>;

/** The attributes of tfjs's Conv2D, besides the data format. */
export interface Conv2DAttributes {
  strides: [number, number];
  dilations: [number, number];
  /** Or [[0, 0], [top, bottom], [left, right], [0, 0]]; no number: tfjs would assume a square filter, not dilated. */
  pad: 'valid' | [number, number][];
}

/**
 * XNNPACK's convolution. It keeps a packed copy of the filter for as long as that tensor lives: a filter must never be
 * modified after its first use.
 */
export function conv2d(x: TensorInfo, filter: TensorInfo, attributes: Conv2DAttributes): TensorInfo {
  const { kernelFunc } = getKernel('Conv2D', 'wasm') as KernelConfig;
  const attrs = { ...attributes, dataFormat: 'NHWC' } as never;
  return kernelFunc({ inputs: { x, filter }, backend: wasmBackend(), attrs }) as TensorInfo;
}

function wasmBackend(): BackendWasm {
  return backend() as BackendWasm;
}
