import { z } from 'zod';
import { entry } from '../registry.js';
import { steadyCurve, steadyMomentum } from './momentum.js';
import type { RunLength, Schedule } from './schedule.js';
import { warmupOptions, withWarmup } from './warmup.js';

/** The same LR at every update, after any warm-up (get_constant_schedule_with_warmup of transformers). */
export const constant = entry({
  type: 'constant',
  about: 'The same LR at every update, after the warm-up if there is one.',
  options: z.object({
    lr: z.number().gt(0).default(0.1).describe('the LR of every update'),
    ...warmupOptions,
    momentum: steadyMomentum,
  }),
  create({ lr, momentum, ...warmup }, length: RunLength): Schedule {
    const curve = withWarmup(warmup, length, lr, () => lr);
    const momentumAt = steadyCurve(momentum, length);
    return (t) => ({ lr: curve(t), momentum: momentumAt(t) });
  },
});
