import { z } from 'zod';
import { entry } from '../registry.js';
import { constantMomentum } from './momentum.js';
import type { Schedule } from './schedule.js';

/** The same LR and momentum at every iteration. */
export const constant = entry({
  type: 'constant',
  options: z.object({ lr: z.number().gt(0).default(0.1), momentum: constantMomentum.default(0.9) }),
  create({ lr, momentum }): Schedule {
    return () => ({ lr, momentum });
  },
});
