import { z } from 'zod';
import { entry } from '../registry.js';
import { duration, toIterations } from './duration.js';
import { steadyCurve, steadyMomentum } from './momentum.js';
import type { RunLength, Schedule } from './schedule.js';
import { warmupIterations, warmupOptions, withWarmup } from './warmup.js';

/**
 * get_inverse_sqrt_schedule of transformers (src/transformers/optimization.py), after arXiv:1706.03762: a linear
 * warm-up to max_lr, then max_lr / sqrt(1 + t / timescale), t counted from its end. With the default timescale, the
 * length of the warm-up, this is max_lr sqrt(warm-up / iteration).
 */
export const inverseSqrt = entry({
  type: 'inverse-sqrt',
  about: 'A linear warm-up to max_lr, then a fall with the inverse square root of the iteration.',
  formula: 'lr = max_lr / sqrt(1 + t / timescale), t counted from the end of the warm-up',
  source: 'https://arxiv.org/abs/1706.03762',
  options: z.object({
    max_lr: z.number().gt(0).describe('the LR at the end of the warm-up'),
    ...warmupOptions,
    timescale: duration
      .optional()
      .describe('how fast the LR falls; by default the warm-up, or 10,000 iterations without one'),
    momentum: steadyMomentum,
  }),
  create({ max_lr, timescale, momentum, ...warmup }, length: RunLength): Schedule {
    const start = warmupIterations(warmup, length);
    const scale = timescale ? toIterations(timescale, length)! : start || 10_000;
    const lr = withWarmup(warmup, length, max_lr, (t) => max_lr / Math.sqrt(1 + (t - start) / scale));
    const momentumAt = steadyCurve(momentum, length);
    return (t) => ({ lr: lr(t), momentum: momentumAt(t) });
  },
});
