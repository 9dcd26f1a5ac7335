import { z } from 'zod';
import { entry } from '../registry.js';
import { duration, toIterations } from './duration.js';
import { between, momentumOptions, withMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import { checkOrder, type RunLength, type Schedule } from './schedule.js';

/**
 * The "1cycle" policy of Smith's Caffe, as his logs show it (https://github.com/lnsmith54/hyperParam1): up
 * from base_lr to max_lr, down to 0, which no update uses, then base_lr / 1000 to the end. There the momentum starts a
 * second dip of half the depth (arXiv:1803.09820, appendix A.2). `step_size` is rounded down to whole iterations, at
 * least 1.
 */
export const smith1cycle = entry({
  type: 'smith-1cycle',
  about: "The 1cycle policy of Smith's Caffe as his logs show it: up to max_lr, down to 0, then base_lr / tail_div.",
  formula: [
    't < S: base_lr -> max_lr; t < 2S: max_lr -> 0; then base_lr / tail_div, with S = step_size',
    'momentum = max + (min - max) (1 - |x|) / 2^cycle, x = (t - (2 cycle + 1) S) / S, cycle = floor(t / 2S)',
  ].join('\n'),
  source: 'https://arxiv.org/abs/1803.09820, https://github.com/lnsmith54/hyperParam1',
  options: z.object({
    base_lr: z.number().gt(0).describe('the LR at the start'),
    max_lr: z.number().gt(0).describe('the LR after half the cycle'),
    step_size: duration.prefault({ share: '41/95' }).describe('length of half the cycle'),
    tail_div: z.number().gte(1).default(1000).describe('the LR of the tail is base_lr / tail_div'),
    momentum_tail: z
      .enum(['dip', 'hold'])
      .default('dip')
      .describe('dip: a second dip of half the depth, as in the logs; hold: max_momentum'),
    ...momentumOptions,
  }),
  create({ base_lr, max_lr, step_size, tail_div, momentum_tail, ...momentum }, length: RunLength): Schedule {
    checkOrder({ base_lr, max_lr });
    const half = Math.max(1, Math.floor(toIterations(step_size, length)!));
    const tail = base_lr / tail_div;
    const lr = piecewise([
      { length: half, from: base_lr, to: max_lr },
      { length: half, from: max_lr, to: 0 },
      { length: Number.POSITIVE_INFINITY, from: tail, to: tail, shape: 'constant' },
    ]);
    const height = (t: number) => {
      const cycle = Math.floor(t / (2 * half));
      const x = (t - (2 * cycle + 1) * half) / half;
      return momentum_tail === 'hold' && cycle > 0 ? 0 : (1 - Math.abs(x)) / 2 ** cycle;
    };
    return withMomentum(lr, between(height), momentum, length);
  },
});
