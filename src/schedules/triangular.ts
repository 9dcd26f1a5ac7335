import { z } from 'zod';
import { entry } from '../registry.js';
import { duration, toIterations } from './duration.js';
import { momentumOptions, withMomentum } from './momentum.js';
import type { RunLength, Schedule } from './schedule.js';

/** Shared by triangular, triangular2 and exp-range. */
export const triangularOptions = {
  base_lr: z.number().gt(0),
  max_lr: z.number().gt(0),
  step_size: duration.prefault({ epochs: 4 }).describe('half a cycle; the paper advises 2 to 10 epochs'),
  ...momentumOptions,
};

type Options = z.output<z.ZodObject<typeof triangularOptions>>;

/**
 * Cyclical learning rates (arXiv:1506.01186): triangles between base_lr and max_lr, one after the other, whose height is
 * multiplied by `scale(cycle, iteration)`, cycles counted from 0. A momentum that cycles shrinks with them.
 */
export function triangles(
  { base_lr, max_lr, step_size, ...momentum }: Options,
  length: RunLength,
  scale: (cycle: number, iteration: number) => number,
): Schedule {
  const half = toIterations(step_size, length)!;
  const height = (t: number) => {
    const cycle = Math.floor(t / (2 * half));
    const x = Math.abs(t / half - 2 * cycle - 1);
    return Math.max(0, 1 - x) * scale(cycle, t);
  };
  return withMomentum((t) => base_lr + (max_lr - base_lr) * height(t), height, momentum);
}

/** Triangles of the same height (arXiv:1506.01186). */
export const triangular = entry({
  type: 'triangular',
  options: z.object(triangularOptions),
  create: (options, length: RunLength): Schedule => triangles(options, length, () => 1),
});
