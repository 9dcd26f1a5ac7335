import { z } from 'zod';
import { entry } from '../registry.js';
import { duration, toIterations } from './duration.js';
import { between, momentumOptions, withMomentum } from './momentum.js';
import { checkOrder, type RunLength, type Schedule } from './schedule.js';

/** Options shared by triangular, triangular2 and exp-range. */
export const triangularOptions = {
  base_lr: z.number().gt(0).describe('the lowest LR'),
  max_lr: z.number().gt(0).describe('the highest LR'),
  step_size: duration
    .prefault({ epochs: 4 })
    .describe('length of the rising half of a cycle; the paper advises 2 to 10 epochs'),
  step_size_down: duration
    .optional()
    .describe("length of the falling half (torch's step_size_down); by default step_size"),
  ...momentumOptions,
};

type Options = z.output<z.ZodObject<typeof triangularOptions>>;

/**
 * Cyclical learning rates (arXiv:1506.01186): triangles between base_lr and max_lr, one after the other, whose height
 * is multiplied by `scale(cycle, iteration)`, cycles counted from 0. A cyclic momentum shrinks likewise. Halves of
 * unequal length are those of torch's CyclicLR (torch/optim/lr_scheduler.py).
 */
export function triangles(
  { base_lr, max_lr, step_size, step_size_down = step_size, ...momentum }: Options,
  length: RunLength,
  scale: (cycle: number, iteration: number) => number,
): Schedule {
  checkOrder({ base_lr, max_lr });
  const [up, down] = [toIterations(step_size, length)!, toIterations(step_size_down, length)!];
  const height = (t: number) => {
    const cycle = Math.floor(t / (up + down));
    const x = t - cycle * (up + down); // iterations into the cycle
    return Math.max(0, x < up ? x / up : 1 - (x - up) / down) * scale(cycle, t);
  };
  return withMomentum((t) => base_lr + (max_lr - base_lr) * height(t), between(height), momentum, length);
}

/** Triangles of the same height (arXiv:1506.01186). */
export const triangular = entry({
  type: 'triangular',
  about: 'Cyclical learning rates: triangles between base_lr and max_lr, one after the other.',
  formula: [
    'cycle = floor(t / 2S), S = step_size; x = |t/S - 2 cycle - 1|',
    'lr = base_lr + (max_lr - base_lr) max(0, 1 - x)',
  ].join('\n'),
  source: 'https://arxiv.org/abs/1506.01186',
  options: z.object(triangularOptions),
  create: (options, length: RunLength): Schedule => triangles(options, length, () => 1),
});
