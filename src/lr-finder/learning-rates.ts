import { ClrError } from '../errors.js';

/** How an LR range test goes through the learning rates. */
export interface LrRange {
  /** The LR of the first update. */
  start: number;
  /** The LR of the last update. */
  end: number;
  scale: 'linear' | 'exponential';
  /** Updates. */
  iterations: number;
}

/** Throws ClrError('usage') for a range that does not rise through positive LRs in at least two updates. */
export function checkRange({ start, end, iterations }: LrRange): void {
  const hint = 'e.g. --start 0.1 --end 2 --linear --iterations 100';
  if (!(start > 0 && end > start && Number.isFinite(end)))
    throw new ClrError('usage', `the LR must rise from above 0: --start ${start} --end ${end}`, hint);
  if (!(Number.isInteger(iterations) && iterations >= 2))
    throw new ClrError('usage', `--iterations ${iterations}: must be a whole number, at least 2`, hint);
}

/**
 * The LR of update `i`, 0 to iterations - 1: from exactly `start` to exactly `end` in equal steps (linear) or by equal
 * factors (exponential). (fastai 0.7's linear finder runs from 0 whatever `start_lr` is, and ends a step before
 * `end_lr`.)
 */
export function learningRate({ start, end, scale, iterations }: LrRange, i: number): number {
  if (i === 0) return start;
  if (i === iterations - 1) return end; // the formulas may miss it by a rounding error
  const share = i / (iterations - 1);
  return scale === 'linear' ? start + share * (end - start) : start ** (1 - share) * end ** share;
}
