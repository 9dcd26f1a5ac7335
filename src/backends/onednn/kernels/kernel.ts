import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OnednnBackend } from '../backend.js';

/** A kernel of the op of that name; inputs, attributes and outputs are those of its reference. */
export interface Kernel {
  name: string;
  compute(inputs: never, attributes: never, backend: OnednnBackend): TensorInfo | TensorInfo[];
}

/** Gives `compute` the types of its own inputs and attributes. */
export function kernel<Inputs extends object, Attributes extends object>(
  name: string,
  compute: (inputs: Inputs, attributes: Attributes, backend: OnednnBackend) => TensorInfo | TensorInfo[],
): Kernel {
  return { name, compute } as unknown as Kernel;
}

/** Throws unless each of the tensors, where there is one, has that shape: the addon would read past its end. */
export function requireShape(shape: readonly number[], tensors: Record<string, TensorInfo | undefined>): void {
  for (const [name, tensor] of Object.entries(tensors))
    if (tensor && !util.arraysEqual(tensor.shape, shape as number[]))
      throw new Error(`${name} has shape [${tensor.shape}] where [${shape}] is needed`);
}
