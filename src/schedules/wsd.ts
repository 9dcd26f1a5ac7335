import { z } from 'zod';
import { ClrError } from '../errors.js';
import { entry } from '../registry.js';
import { duration, toIterations } from './duration.js';
import { steadyCurve, steadyMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import { checkOrder, type RunLength, type Schedule } from './schedule.js';
import { warmupIterations, warmupOptions } from './warmup.js';

/**
 * Warm-up, stable, decay (WSD, arXiv:2404.06395): up to max_lr, held there, then down to min_lr in the last part of the
 * run. The decay `1-sqrt` over 20 % of the run is the cooldown of arXiv:2405.18392; get_wsd_schedule of transformers
 * (src/transformers/optimization.py) has the same formulas, with `cosine` as default.
 */
export const wsd = entry({
  type: 'wsd',
  about: 'Warm-up, stable, decay: up to max_lr, held there, then down to min_lr in the last part of the run.',
  formula: [
    'warmup_from -> max_lr over warmup; max_lr; then max_lr -> min_lr over decay, x from 0 to 1:',
    '1-sqrt: lr = max_lr - (max_lr - min_lr) sqrt(x)',
  ].join('\n'),
  source: 'https://arxiv.org/abs/2404.06395, https://arxiv.org/abs/2405.18392',
  options: z.object({
    max_lr: z.number().gt(0).describe('the LR between warm-up and decay'),
    min_lr: z.number().min(0).default(0).describe('the LR that the decay falls to'),
    ...warmupOptions,
    warmup_shape: z.enum(['linear', 'cosine']).default('linear').describe('shape of the warm-up'),
    decay: duration.prefault({ share: 0.2 }).describe('length of the fall of the LR at the end of the run'),
    decay_shape: z.enum(['1-sqrt', 'linear', 'cosine']).default('1-sqrt').describe('shape of the decay'),
    momentum: steadyMomentum,
  }),
  create({ max_lr, min_lr, warmup_shape, decay, decay_shape, momentum, ...options }, length: RunLength): Schedule {
    checkOrder({ min_lr, max_lr });
    const warmup = warmupIterations(options, length);
    const fall = Math.round(toIterations(decay, length)!);
    const stable = length.iterations - warmup - fall;
    if (stable < 0)
      throw new ClrError(
        'usage',
        `warm-up and decay take ${warmup + fall} iterations, the run ${length.iterations}`,
        'give shares instead of epochs or iterations, or train for longer',
      );
    const lr = piecewise([
      { length: warmup, from: options.warmup_from, to: max_lr, shape: warmup_shape },
      { length: stable, from: max_lr, to: max_lr },
      { length: fall, from: max_lr, to: min_lr, shape: decay_shape },
    ]);
    const momentumAt = steadyCurve(momentum, length);
    return (t) => ({ lr: lr(t), momentum: momentumAt(t) });
  },
});
