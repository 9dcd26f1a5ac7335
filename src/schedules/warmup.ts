import { z } from 'zod';
import { ClrError } from '../errors.js';
import { duration, toIterations } from './duration.js';
import type { Curve } from './piecewise.js';
import type { RunLength } from './schedule.js';

/** Options of the schedules that can start with a warm-up. */
export const warmupOptions = {
  warmup: duration.optional().describe('length of the linear rise of the LR at the start; by default none'),
  warmup_from: z.number().min(0).default(0).describe('LR of the first update of the warm-up'),
};

type WarmupOptions = z.output<z.ZodObject<typeof warmupOptions>>;

/** Whole iterations, 0 without a warm-up. Throws ClrError('usage') if it is longer than the run. */
export function warmupIterations({ warmup }: WarmupOptions, length: RunLength): number {
  const iterations = Math.round(warmup ? toIterations(warmup, length)! : 0);
  if (iterations <= length.iterations) return iterations;
  const problem = `the warm-up takes ${iterations} iterations, the run ${length.iterations}`;
  throw new ClrError('usage', problem, 'give a share instead of epochs or iterations, or train for longer');
}

/** A linear rise from `warmup_from` to `lr`, followed by `after`, which takes the run's iteration. */
export function withWarmup(options: WarmupOptions, length: RunLength, lr: number, after: Curve): Curve {
  const end = warmupIterations(options, length);
  const from = options.warmup_from;
  return (t) => (t < end ? from + ((lr - from) * t) / end : after(t));
}
