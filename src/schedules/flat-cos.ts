import { z } from 'zod';
import { entry } from '../registry.js';
import { steadyCurve, steadyMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import type { RunLength, Schedule } from './schedule.js';

/**
 * fit_flat_cos of fastai 2 (fastai/callback/schedule.py): max_lr for `pct_start` of the run, then a cosine down to
 * max_lr / final_div. The boundary may lie between two updates.
 */
export const flatCos = entry({
  type: 'flat-cos',
  about: 'fit_flat_cos of fastai 2: max_lr for pct_start of the run, then a cosine down to max_lr / final_div.',
  formula: 'lr = max_lr (1/d + (1 - 1/d) (1 + cos(pi x)) / 2), d = final_div, x from 0 to 1 after pct_start',
  source: 'https://docs.fast.ai/callback.schedule.html',
  options: z.object({
    max_lr: z.number().gt(0).describe('the highest LR'),
    pct_start: z.number().min(0).max(1).default(0.75).describe('share of the run at max_lr'),
    final_div: z.number().gte(1).default(1e5).describe('the LR ends at max_lr / final_div'),
    momentum: steadyMomentum,
  }),
  create({ max_lr, pct_start, final_div, momentum }, length: RunLength): Schedule {
    const flat = pct_start * length.iterations;
    const lr = piecewise([
      { length: flat, from: max_lr, to: max_lr },
      { length: length.iterations - flat, from: max_lr, to: max_lr / final_div, shape: 'cosine' },
    ]);
    const momentumAt = steadyCurve(momentum, length);
    return (t) => ({ lr: lr(t), momentum: momentumAt(t) });
  },
});
