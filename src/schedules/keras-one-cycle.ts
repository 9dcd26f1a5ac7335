import { z } from 'zod';
import { entry } from '../registry.js';
import { between, momentumOptions, withMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import type { RunLength, Schedule } from './schedule.js';

/**
 * OneCycleLR of https://github.com/titu1994/keras-one-cycle, a port of clr-beta with a trap, reproduced
 * here: the foot is max_lr * scale and the peak 100 * scale times that, so the LR gets to max_lr only with scale 0.1.
 */
export const kerasOneCycle = entry({
  type: 'keras-one-cycle',
  about:
    'OneCycleLR of keras-one-cycle: up from max_lr * scale, back, then a tail; the peak is max_lr only with scale 0.1.',
  formula: [
    'foot = max_lr scale; peak = 100 scale foot',
    'foot -> peak -> foot, then a tail of end_percentage of the run: foot -> foot/100',
  ].join('\n'),
  source: 'https://github.com/titu1994/keras-one-cycle',
  options: z.object({
    max_lr: z.number().gt(0).describe('the highest LR if scale is 0.1'),
    end_percentage: z.number().gt(0).lt(1).default(0.1).describe('length of the tail, share of the run'),
    scale: z.number().gt(0).max(1).optional().describe('scale_percentage of the original; default: end_percentage'),
    ...momentumOptions,
  }),
  create({ max_lr, end_percentage, scale = end_percentage, ...momentum }, length: RunLength): Schedule {
    const { iterations } = length;
    const half = Math.floor((iterations * (1 - end_percentage)) / 2);
    const foot = max_lr * scale;
    const cycle = (from: number, to: number, end: number) =>
      piecewise([
        { length: half, from, to },
        { length: half, from: to, to: from },
        { length: iterations - 2 * half, from, to: end },
      ]);
    const lr = cycle(foot, foot * scale * 100, foot / 100);
    return withMomentum(lr, between(cycle(0, 1, 0)), momentum, length);
  },
});
