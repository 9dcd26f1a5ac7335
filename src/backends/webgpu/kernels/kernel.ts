import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Operand, WebgpuBackend } from '../backend.js';

/** Gives `compute` the types of its own inputs and attributes. */
export function kernel<Inputs extends object, Attributes extends object>(
  name: string,
  compute: (inputs: Inputs, attributes: Attributes, backend: WebgpuBackend) => TensorInfo | TensorInfo[],
) {
  return { name, compute: compute as unknown as (...call: [never, never, WebgpuBackend]) => TensorInfo[] };
}

/** Values that a shader takes at once where the innermost size is `channels`. */
export function widthOf(channels: number): 1 | 4 {
  return channels % 4 === 0 ? 4 : 1;
}

/** The WGSL type of so many values in arithmetic. */
export function typeOf(width: 1 | 4): string {
  return width === 4 ? 'vec4<f32>' : 'f32';
}

/** Each tensor that there is as an operand of that width. */
export function operands(tensors: Record<string, TensorInfo | undefined>, width: 1 | 4 = 1): Record<string, Operand> {
  return Object.fromEntries(Object.entries(tensors).flatMap(([name, of]) => (of ? [[name, { of, width }]] : [])));
}

/** Stops before the GPU would read past a tensor's end. */
export function requireShape(shape: number[], tensors: Record<string, TensorInfo | undefined>): void {
  for (const [name, tensor] of Object.entries(tensors))
    if (tensor && !util.arraysEqual(tensor.shape, shape))
      throw new Error(`${name} has the shape [${tensor.shape}], not [${shape}]`);
}
