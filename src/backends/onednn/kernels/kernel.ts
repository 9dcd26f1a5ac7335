import type { TensorInfo } from '@tensorflow/tfjs-core';
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
