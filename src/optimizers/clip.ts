import { z } from 'zod';
import { clipByGlobalNorm } from '../ops/clip-by-global-norm.js';
import type { Optimizer } from './optimizer.js';

/** Options of gradient clipping, shared by the optimizers. */
export const clipOptions = {
  clip_norm: z
    .number()
    .gt(0)
    .optional()
    .describe('scales the gradients so that their norm over all parameters is at most this, before weight decay'),
};

/** `optimizer`, with clipped gradients if a norm is given. */
export function withClipping(optimizer: Optimizer, clipNorm: number | undefined): Optimizer {
  if (clipNorm === undefined) return optimizer;
  const { state } = optimizer;
  return { state, step: (gradients, rates) => optimizer.step(clipByGlobalNorm(gradients, clipNorm), rates) };
}
