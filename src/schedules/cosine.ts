import { z } from 'zod';
import { entry } from '../registry.js';
import { roundEnds } from './duration.js';
import { constantMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import type { RunLength, Schedule } from './schedule.js';

/**
 * Cosine annealing from max_lr to min_lr with warm restarts (SGDR, arXiv:1608.03983): `cycles` of them fill the run, each
 * `cycle_mult` times as long as the one before. The end of a cycle is the start of the next, so min_lr itself is not used.
 */
export const cosine = entry({
  type: 'cosine',
  options: z.object({
    max_lr: z.number().gt(0),
    min_lr: z.number().min(0).default(0),
    cycles: z.int().min(1).max(1000).default(1),
    cycle_mult: z.number().gt(0).max(10).default(1),
    momentum: constantMomentum.default(0.9),
  }),
  create({ max_lr, min_lr, cycles, cycle_mult, momentum }, { iterations }: RunLength): Schedule {
    const weights = Array.from({ length: cycles }, (_, i) => cycle_mult ** i);
    const total = weights.reduce((sum, w) => sum + w);
    const lengths = roundEnds(weights.map((w) => (iterations * w) / total));
    const lr = piecewise(lengths.map((length) => ({ length, from: max_lr, to: min_lr, shape: 'cosine' })));
    return (t) => ({ lr: lr(t), momentum });
  },
});
