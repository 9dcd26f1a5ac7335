import { z } from 'zod';
import { entry } from '../registry.js';
import { duration, toIterations } from './duration.js';
import { steadyCurve, steadyMomentum } from './momentum.js';
import type { RunLength, Schedule } from './schedule.js';
import { warmupOptions, withWarmup } from './warmup.js';

/** Smith's template: five drops by sqrt(0.1) (https://github.com/lnsmith54/hyperParam1, solver.prototxt). */
const smithMilestones = [0.5, 0.75, 0.875, 0.906, 0.9375].map((share) => ({ share }));

/** `lr`, multiplied by `gamma` at each milestone, rounded to a whole iteration. Defaults: Smith's template. */
export const multiStep = entry({
  type: 'multi-step',
  about: "lr, multiplied by gamma at each milestone. Defaults: the template of Smith's constant-LR runs.",
  formula: 'lr gamma^(number of milestones at or before t)',
  source: 'https://github.com/lnsmith54/hyperParam1',
  options: z.object({
    lr: z.number().gt(0).default(0.1).describe('the LR before the first milestone'),
    gamma: z.number().gt(0).max(1).default(0.316).describe('factor by which the LR is multiplied at each milestone'),
    milestones: z
      .array(duration)
      .max(1000)
      .prefault(smithMilestones)
      .describe('the points at which the LR drops, counted from the start of the run'),
    ...warmupOptions,
    momentum: steadyMomentum,
  }),
  create({ lr, gamma, milestones, momentum, ...warmup }, length: RunLength): Schedule {
    const drops = milestones.map((m) => Math.round(toIterations(m, length)!));
    const curve = withWarmup(warmup, length, lr, (t) => lr * gamma ** drops.filter((drop) => drop <= t).length);
    const momentumAt = steadyCurve(momentum, length);
    return (t) => ({ lr: curve(t), momentum: momentumAt(t) });
  },
});
