import { z } from 'zod';
import type { Parameter } from '../models/model.js';

/** What decays, shared by the optimizers. */
export const weightDecayOptions = {
  weight_decay: z.number().min(0).max(1).default(1e-4).describe('L2 penalty or decay rate; 0 for none'),
  weight_decay_mode: z
    .enum(['l2', 'decoupled'])
    .default('l2')
    .describe('l2: added to the gradient; decoupled: p -= lr * weight_decay * p (arXiv:1711.05101)'),
  decay_batch_norm: z.boolean().default(true).describe("whether batch norm's scale and shift decay too"),
};

/** The weight decay of each parameter, with the model's multipliers. */
export function decayOf(parameters: Parameter[], weightDecay: number, decayBatchNorm: boolean): number[] {
  return parameters.map(({ role, multipliers }) =>
    !decayBatchNorm && (role === 'scale' || role === 'shift') ? 0 : weightDecay * (multipliers?.decay ?? 1),
  );
}

/** The LR of each parameter, with the model's multipliers. */
export function ratesOf(parameters: Parameter[], lr: number): number[] {
  return parameters.map(({ multipliers }) => lr * (multipliers?.lr ?? 1));
}
