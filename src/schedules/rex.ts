import { z } from 'zod';
import { entry } from '../registry.js';
import { steadyCurve, steadyMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import { checkOrder, type RunLength, type Schedule } from './schedule.js';
import { warmupIterations, warmupOptions, withWarmup } from './warmup.js';

/**
 * REX, "reflected exponential" (arXiv:2107.04197): max_lr (1 - x) / (1/2 + (1 - x) / 2), x the share of the run after
 * the warm-up that is done. It stays above a straight line down to min_lr and falls ever faster.
 */
export const rex = entry({
  type: 'rex',
  about: 'REX, "reflected exponential": stays above a straight line from max_lr to min_lr and falls ever faster.',
  formula: 'lr = min_lr + (max_lr - min_lr) (1 - x) / (1 - x/2), x from 0 to 1 after the warm-up',
  source: 'https://arxiv.org/abs/2107.04197',
  options: z.object({
    max_lr: z.number().gt(0).describe('the LR at the end of the warm-up'),
    min_lr: z.number().min(0).default(0).describe('the LR at the end of the run'),
    ...warmupOptions,
    momentum: steadyMomentum,
  }),
  create({ max_lr, min_lr, momentum, ...warmup }, length: RunLength): Schedule {
    checkOrder({ min_lr, max_lr });
    const start = warmupIterations(warmup, length);
    const fall = piecewise([{ length: length.iterations - start, from: max_lr, to: min_lr, shape: 'rex' }]);
    const lr = withWarmup(warmup, length, max_lr, (t) => fall(t - start));
    const momentumAt = steadyCurve(momentum, length);
    return (t) => ({ lr: lr(t), momentum: momentumAt(t) });
  },
});
