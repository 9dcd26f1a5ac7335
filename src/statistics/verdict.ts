import { type Estimate, interval, pValue } from './statistics.js';

/** What the interval says about an arm compared with the baseline. */
export type Verdict = 'better' | 'worse' | 'equivalent' | 'undecided';

/** An estimate, with interval and p-value of one simultaneous procedure: p < alpha if and only if 0 is outside. */
export interface Finding extends Estimate {
  low: number;
  high: number;
  /** Two-sided, corrected for all arms (and looks) that are tested together. */
  p: number;
}

/**
 * For a number of seeds fixed beforehand: the interval at alpha / comparisons, p times comparisons (Bonferroni).
 * Together the intervals contain all true differences with probability at least 1 - alpha, however the arms depend on
 * one another and on their common baseline.
 */
export function fixedFinding(found: Estimate, alpha: number, comparisons: number): Finding {
  return { ...found, ...interval(found, alpha / comparisons), p: Math.min(1, comparisons * pValue(found)) };
}

/**
 * Better or worse: the interval excludes 0. Equivalent: it contains 0 and lies within plus or minus `difference`. If it
 * contains the true difference, none of the three is wrong.
 */
export function verdictOf(
  { low, high }: { low: number; high: number },
  best: 'high' | 'low',
  difference?: number,
): Verdict {
  if (low > 0 || high < 0) return low > 0 === (best === 'high') ? 'better' : 'worse';
  return difference !== undefined && low > -difference && high < difference ? 'equivalent' : 'undecided';
}
