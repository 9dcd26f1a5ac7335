import { type Estimate, interval, pValue } from './statistics.js';

/** What the interval says of an arm against the baseline. */
export type Verdict = 'better' | 'worse' | 'equivalent' | 'undecided';

/** An estimate with the interval and the p-value of one simultaneous procedure: p < alpha exactly where 0 lies outside. */
export interface Finding extends Estimate {
  low: number;
  high: number;
  /** Two-sided, corrected for all arms (and looks) that are tested together. */
  p: number;
}

/**
 * With all seeds there at once: the interval at alpha / comparisons, p times comparisons (Bonferroni). Together the intervals
 * hold all true differences with probability 1 - alpha at least, however the arms depend on one another and on their
 * common baseline.
 */
export function fixedFinding(found: Estimate, alpha: number, comparisons: number): Finding {
  return { ...found, ...interval(found, alpha / comparisons), p: Math.min(1, comparisons * pValue(found)) };
}

/**
 * Better and worse: the interval leaves 0 out. Equivalent: it has 0 and lies within plus or minus `difference`. If it holds
 * the true difference, none of the three is wrong.
 */
export function verdictOf(
  { low, high }: { low: number; high: number },
  best: 'high' | 'low',
  difference?: number,
): Verdict {
  if (low > 0 || high < 0) return low > 0 === (best === 'high') ? 'better' : 'worse';
  return difference !== undefined && low > -difference && high < difference ? 'equivalent' : 'undecided';
}
