import {
  type DataType,
  engine,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/** Runs the kernel of that name on the backend in use. */
export function run(
  name: string,
  inputs: Record<string, Tensor | undefined> | Tensor[],
  attributes: object = {},
): Tensor[] {
  const outputs = engine().runKernel(name, inputs as unknown as NamedTensorMap, attributes as NamedAttrMap);
  return (Array.isArray(outputs) ? outputs : [outputs]) as Tensor[];
}

/** The memory of a backend that computes in this process, as the reference kernels see it. */
export interface HostMemory {
  /** A new tensor; its values are not set. May move every earlier view: allocate first, view afterwards. */
  allocate(shape: number[], dtype?: DataType): TensorInfo;
  /** The values of a tensor themselves, not a copy. */
  view(tensor: TensorInfo): Float32Array;
}

/**
 * The readable definition of an op: what every fast kernel of that name is compared with. It serves the `cpu` and `wasm`
 * backends as it is, and any other host backend until that has its own. Sums are kept in double precision.
 */
export interface ReferenceKernel<Inputs = never, Attributes = never> {
  name: string;
  compute(inputs: Inputs, attributes: Attributes, memory: HostMemory): TensorInfo[];
}

/** Gives `compute` the types of its own inputs and attributes. */
export function referenceKernel<Inputs extends object, Attributes extends object>(
  name: string,
  compute: (inputs: Inputs, attributes: Attributes, memory: HostMemory) => TensorInfo[],
): ReferenceKernel {
  return { name, compute } as unknown as ReferenceKernel;
}
