import { z } from 'zod';
import { entry } from '../registry.js';
import { momentumLead } from './clr.js';
import { between, momentumOptions, withMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import type { RunLength, Schedule } from './schedule.js';

/** The tails that the thread tried (https://forums.fast.ai/t/project-cyclical-momentum/14435). */
const tailShapes = { linear: 'linear', cosine: 'cosine', flat: 'constant' } as const;

/**
 * `use_clr_beta=(div, pct[, max_momentum, min_momentum])` of fastai 0.7 (https://github.com/fastai/fastai/pull/296):
 * from max_lr / div to max_lr and back, then a tail of `pct` percent of the run down to a hundredth of max_lr / div,
 * with max_momentum. LR and momentum are those of the current iteration; `momentum_lead: 1` gives the library's
 * off-by-one.
 */
export const clrBeta = entry({
  type: 'clr-beta',
  about:
    "fastai 0.7's use_clr_beta: up from max_lr / div to max_lr, back down, then further down in a tail of pct percent.",
  formula: [
    'c = floor(iterations (1 - pct/100) / 2)',
    't <= c: lr = max_lr (1 + (div - 1) t/c) / div; then the same in reverse until 2c',
    't > 2c: lr = max_lr/div -> max_lr/div/tail_div',
  ].join('\n'),
  source: 'https://github.com/fastai/fastai/pull/296',
  options: z.object({
    max_lr: z.number().gt(0).describe('the highest LR'),
    div: z.number().gte(1).default(10).describe('the cycle starts and ends at max_lr / div'),
    pct: z.number().min(0).lt(100).default(10).describe('length of the tail, percent of the run'),
    tail: z
      .enum(['linear', 'cosine', 'flat'])
      .default('linear')
      .describe('how the LR goes from max_lr / div to max_lr / div / tail_div; flat: it jumps there at once'),
    tail_div: z.number().gte(1).default(100).describe('the run ends at max_lr / div / tail_div'),
    ...momentumOptions,
    momentum_lead: momentumLead,
  }),
  create({ max_lr, div, pct, tail, tail_div, momentum_lead, ...momentum }, length: RunLength): Schedule {
    const { iterations } = length;
    const half = Math.floor((iterations * (1 - pct / 100)) / 2);
    const rest = iterations - 2 * half;
    const foot = max_lr / div;
    const end = foot / tail_div;
    const lr = piecewise([
      { length: half, from: foot, to: max_lr },
      { length: half, from: max_lr, to: foot },
      { length: rest, from: tail === 'flat' ? end : foot, to: end, shape: tailShapes[tail] },
    ]);
    const height = piecewise([
      { length: half, from: 0, to: 1 },
      { length: half, from: 1, to: 0 },
      { length: rest, from: 0, to: 0 },
    ]);
    return withMomentum(
      lr,
      between((t) => height(t + momentum_lead)),
      momentum,
      length,
    );
  },
});
