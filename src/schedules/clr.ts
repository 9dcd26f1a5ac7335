import { z } from 'zod';
import { entry } from '../registry.js';
import { between, momentumOptions, withMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import type { RunLength, Schedule } from './schedule.js';

/** `momentum_lead`, in fastai 0.7's schedules. */
export const momentumLead = z
  .union([z.literal(0), z.literal(1)], { error: 'must be 0 or 1' })
  .default(0)
  .describe('1: each update uses the momentum of the next iteration, as the code of fastai 0.7 actually does');

/**
 * `use_clr=(div, cut_div, max_momentum, min_momentum)` of fastai 0.7 (https://github.com/fastai/fastai/pull/292): from
 * max_lr / div to max_lr in the run's first 1 / cut_div, then back; no tail. The form with two values did not change
 * the optimizer's momentum: `momentum: 0.9` here. LR and momentum are those of the current iteration; the library's
 * off-by-one is `momentum_lead: 1`.
 */
export const clr = entry({
  type: 'clr',
  about: "fastai 0.7's use_clr: up from max_lr / div to max_lr in 1 / cut_div of the run, then back; no tail.",
  formula: [
    'cut = floor(iterations / cut_div)',
    't <= cut: x = t/cut; then x = 1 - (t - cut) / (iterations - cut)',
    'lr = max_lr (1 + (div - 1) x) / div',
  ].join('\n'),
  source: 'https://github.com/fastai/fastai/pull/292',
  options: z.object({
    max_lr: z.number().gt(0).describe('the highest LR'),
    div: z.number().gte(1).default(10).describe('the LR starts and ends at max_lr / div'),
    cut_div: z.number().gte(1).default(2).describe('the LR rises for 1 / cut_div of the run'),
    ...momentumOptions,
    momentum_lead: momentumLead,
  }),
  create({ max_lr, div, cut_div, momentum_lead, ...momentum }, length: RunLength): Schedule {
    const { iterations } = length;
    const cut = Math.floor(iterations / cut_div);
    const cycle = (from: number, to: number) =>
      piecewise([
        { length: cut, from, to },
        { length: iterations - cut, from: to, to: from },
      ]);
    const height = cycle(0, 1);
    const led = between((t) => height(t + momentum_lead));
    return withMomentum(cycle(max_lr / div, max_lr), led, momentum, length);
  },
});
