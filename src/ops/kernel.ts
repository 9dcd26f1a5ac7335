import {
  type DataType,
  engine,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
  util,
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
  /** A new, uninitialised tensor. May invalidate every earlier view: allocate first, view afterwards. */
  allocate(shape: number[], dtype?: DataType): TensorInfo;
  /** The values of a tensor themselves, not a copy. */
  view(tensor: TensorInfo): Float32Array;
}

/** How an op is computed in a backend's memory; inputs, attributes and outputs are those of its reference. */
export interface Kernel<Memory> {
  name: string;
  compute(inputs: never, attributes: never, memory: Memory): TensorInfo | TensorInfo[];
}

/** Returns a function that makes kernels for that kind of memory and infers the types of `compute`'s parameters. */
export function kernelsIn<Memory>() {
  return <Inputs extends object, Attributes extends object>(
    name: string,
    compute: (inputs: Inputs, attributes: Attributes, memory: Memory) => TensorInfo | TensorInfo[],
  ): Kernel<Memory> => ({ name, compute });
}

/**
 * The readable definition of an op: what every fast kernel of that name is compared with. It serves the `cpu` and
 * `wasm` backends as it is, and any other in-process backend until it has its own. Sums are kept in double precision.
 */
export const referenceKernel = kernelsIn<HostMemory>();

/** [N, H, W, C] of an activation, [H, W, in, out] of a filter. */
export type Shape4D = [number, number, number, number];

/** Throws unless each tensor that is not undefined has that shape: a fast kernel would read past its end. */
export function requireShape(shape: readonly number[], tensors: Record<string, TensorInfo | undefined>): void {
  for (const [name, tensor] of Object.entries(tensors))
    if (tensor && !util.arraysEqual(tensor.shape, shape as number[]))
      throw new Error(`${name} has shape [${tensor.shape}] where [${shape}] is needed`);
}

/** Splits lists that were passed as one (parameters, then gradients, then ...); all must have the same shapes. */
export function splitInto<T extends TensorInfo>(count: 3, tensors: T[]): [T[], T[], T[]];
export function splitInto<T extends TensorInfo>(count: 4, tensors: T[]): [T[], T[], T[], T[]];
export function splitInto<T extends TensorInfo>(count: number, tensors: T[]): T[][] {
  const size = tensors.length / count;
  const lists = Array.from({ length: count }, (_, k) => tensors.slice(k * size, (k + 1) * size));
  for (const list of lists)
    for (const [k, t] of list.entries())
      if (!util.arraysEqual(t.shape, tensors[k]!.shape)) requireShape(tensors[k]!.shape, { [`tensor ${k}`]: t });
  return lists;
}
