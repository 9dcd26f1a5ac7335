import { z } from 'zod';
import type { Parameter } from '../models/model.js';

/** Options of weight decay, shared by the optimizers. */
export const weightDecayOptions = {
  weight_decay: z.number().min(0).max(1).default(1e-4).describe('L2 penalty or decay rate; 0 for none'),
  weight_decay_mode: z
    .enum(['l2', 'decoupled'])
    .default('l2')
    .describe('l2: added to the gradient; decoupled: p -= lr * weight_decay * p (arXiv:1711.05101)'),
  decay_batch_norm: z.boolean().default(true).describe("whether batch norm's scale and shift decay too"),
  no_decay: z
    .array(z.enum(['bias', 'norm']))
    .default([])
    .describe("what is exempt from weight decay: biases; batch norm's scale and shift (fastai exempts both)"),
};

/** The options that decide which parameters decay. */
interface DecayOptions {
  weight_decay: number;
  decay_batch_norm: boolean;
  no_decay: ('bias' | 'norm')[];
}

/** The weight decay of each parameter, with the model's multipliers. */
export function decayOf(parameters: Parameter[], options: DecayOptions): number[] {
  const { weight_decay, decay_batch_norm, no_decay } = options;
  const norm = decay_batch_norm && !no_decay.includes('norm');
  const bias = !no_decay.includes('bias');
  const decays = { filter: true, weights: true, bias, scale: norm, shift: norm };
  return parameters.map(({ role, multipliers }) => (decays[role] ? weight_decay * (multipliers?.decay ?? 1) : 0));
}

/** The LR of each parameter, with the model's multipliers. */
export function ratesOf(parameters: Parameter[], lr: number): number[] {
  return parameters.map(({ multipliers }) => lr * (multipliers?.lr ?? 1));
}
