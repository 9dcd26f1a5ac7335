import { z } from 'zod';
import { entry } from '../registry.js';
import { lengthsOf, roundEndsOption } from './duration.js';
import { steadyCurve, steadyMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import { checkOrder, type RunLength, type Schedule } from './schedule.js';
import { warmupIterations, warmupOptions, withWarmup } from './warmup.js';

/**
 * Cosine annealing from max_lr to min_lr with warm restarts (SGDR, arXiv:1608.03983): `cycles` cycles fill the run
 * after the warm-up, each `cycle_mult` times as long as the one before. A cycle ends where the next one starts, so
 * min_lr itself is never used.
 */
export const cosine = entry({
  type: 'cosine',
  about: 'Cosine annealing from max_lr to min_lr, with warm restarts where there are several cycles (SGDR).',
  formula: 'lr = min_lr + (max_lr - min_lr) (1 + cos(pi x)) / 2, where x goes from 0 to 1 in each cycle',
  source: 'https://arxiv.org/abs/1608.03983',
  options: z.object({
    max_lr: z.number().gt(0).describe('the LR at the start of each cycle'),
    min_lr: z.number().min(0).default(0).describe('the LR that each cycle falls towards'),
    cycles: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('number of cycles that fill the run; more than one: warm restarts'),
    cycle_mult: z.number().gt(0).max(10).default(1).describe('each cycle is this many times as long as the one before'),
    round_ends: roundEndsOption,
    ...warmupOptions,
    momentum: steadyMomentum,
  }),
  create({ max_lr, min_lr, cycles, cycle_mult, round_ends, momentum, ...warmup }, length: RunLength): Schedule {
    checkOrder({ min_lr, max_lr });
    const start = warmupIterations(warmup, length);
    const weights = Array.from({ length: cycles }, (_, i) => cycle_mult ** i);
    const total = weights.reduce((sum, w) => sum + w);
    const lengths = weights.map((w) => ((length.iterations - start) * w) / total);
    const cycle = piecewise(
      lengthsOf(lengths, round_ends).map((length) => ({ length, from: max_lr, to: min_lr, shape: 'cosine' })),
    );
    const lr = withWarmup(warmup, length, max_lr, (t) => cycle(t - start));
    const momentumAt = steadyCurve(momentum, length);
    return (t) => ({ lr: lr(t), momentum: momentumAt(t) });
  },
});
