import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernelsIn } from '../../../ops/kernel.js';
import type { Operand, WebgpuBackend } from '../backend.js';

export const kernel = kernelsIn<WebgpuBackend>();

/** Values that a shader takes at once if the innermost size is `channels`. */
export function widthOf(channels: number): 1 | 4 {
  return channels % 4 === 0 ? 4 : 1;
}

/** The WGSL type for arithmetic on that many values. */
export function typeOf(width: 1 | 4): string {
  return width === 4 ? 'vec4<f32>' : 'f32';
}

/** The tensors that are not undefined, as operands of that width. */
export function operands(tensors: Record<string, TensorInfo | undefined>, width: 1 | 4 = 1): Record<string, Operand> {
  const found: Record<string, Operand> = {};
  for (const name in tensors) if (tensors[name]) found[name] = { of: tensors[name], width };
  return found;
}

/** Throws unless both terms of a sum are stored times the loss scale, or neither. */
export function requireSameScale(a: boolean, b: boolean): void {
  if (a !== b) throw new Error('only one of two terms is multiplied by the loss scale');
}
