import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';
import { criticalT, noncentralTail, twoSidedP } from './student-t.js';

/** The default two-sided type I error; intervals have confidence 1 - alpha. */
export const defaultAlpha = 0.05;
/** The default chance of finding a difference of the size in question. */
export const defaultPower = 0.8;

/** The difference of two arms, mean of the one minus mean of the other, and its uncertainty. */
export interface Estimate {
  test: 'welch' | 'paired';
  difference: number;
  /** The difference's standard error. */
  error: number;
  df: number;
  /** Standard deviation of one run: pooled over the arms (Welch), or of the differences by seed (paired). */
  std: number;
}

/** NaN if empty. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sample's standard deviation (divides by n - 1); NaN for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1 || Number.NaN));
}

/** Half the width of the mean's confidence interval; NaN for fewer than two values. */
export function halfInterval(values: readonly number[], alpha = defaultAlpha): number {
  const n = values.length;
  return n < 2 ? Number.NaN : (criticalT(alpha, n - 1) * standardDeviation(values)) / Math.sqrt(n);
}

/** Pearson's correlation of a[i] with b[i]; NaN for fewer than three pairs or if one side does not vary. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  if (a.length < 3) return Number.NaN;
  const [meanA, meanB] = [mean(a), mean(b)];
  const products = a.reduce((sum, value, i) => sum + (value - meanA) * (b[i]! - meanB), 0);
  return products / ((a.length - 1) * standardDeviation(a) * standardDeviation(b));
}

/**
 * Welch's estimate of a's mean minus b's, whatever their variances (Welch 1947, Biometrika 34). Undefined if nothing
 * can be estimated: fewer than two values on a side, or no variation at all.
 */
export function welch(a: readonly number[], b: readonly number[]): Estimate | undefined {
  return welchOf(sampleOf(a), sampleOf(b));
}

/** What a publication reports of its runs: their mean, standard deviation (with n - 1) and number. */
export interface Sample {
  mean: number;
  std: number;
  n: number;
}

/** `std` is NaN for fewer than two values. */
export function sampleOf(values: readonly number[]): Sample {
  return { mean: mean(values), std: standardDeviation(values), n: values.length };
}

/** The same from summaries. With n Infinity, a sample is a number without an error. */
export function welchOf(a: Sample, b: Sample): Estimate | undefined {
  if (a.n < 2 || b.n < 2) return undefined;
  const [ofMean, ofOther] = [a, b].map(({ std, n }) => std ** 2 / n) as [number, number];
  const df = (ofMean + ofOther) ** 2 / (ofMean ** 2 / (a.n - 1) + ofOther ** 2 / (b.n - 1));
  const std = Math.sqrt((a.std ** 2 + b.std ** 2) / 2);
  const size = Math.max(Math.abs(a.mean), Math.abs(b.mean));
  return estimate('welch', a.mean - b.mean, Math.sqrt(ofMean + ofOther), df, std, size);
}

/** The paired estimate: a[i] and b[i] share a seed, whose effect cancels in their difference. */
export function pairedT(a: readonly number[], b: readonly number[]): Estimate | undefined {
  if (a.length !== b.length) throw new Error(`${a.length} values cannot be paired with ${b.length}`);
  if (a.length < 2) return undefined;
  const differences = a.map((value, i) => value - b[i]!);
  const std = standardDeviation(differences);
  const size = Math.max(...a.map(Math.abs), ...b.map(Math.abs));
  return estimate('paired', mean(differences), std / Math.sqrt(a.length), a.length - 1, std, size);
}

/** Undefined if nothing varies: all values are the same, apart from rounding, which is relative to their `size`. */
function estimate(test: Estimate['test'], difference: number, error: number, df: number, std: number, size: number) {
  return error > 1e-12 * size ? { test, difference, error, df, std } : undefined;
}

/** The interval that misses the true difference with probability `alpha`. */
export function interval({ difference, error, df }: Estimate, alpha: number): { low: number; high: number } {
  const half = criticalT(alpha, df) * error;
  return { low: difference - half, high: difference + half };
}

/** Two-sided p of this test alone, against a difference of 0. */
export function pValue({ difference, error, df }: Estimate): number {
  return twoSidedP(difference / error, df);
}

/** The chance that the t-test with n runs per arm detects a true `difference`; exact, by the noncentral t. */
export function power(
  n: number,
  difference: number,
  std: number,
  test: Estimate['test'] = 'welch',
  alpha = defaultAlpha,
): number {
  const [df, variances] = test === 'paired' ? [n - 1, 1] : [2 * n - 2, 2];
  return noncentralTail(criticalT(alpha, df), df, (Math.abs(difference) / std) * Math.sqrt(n / variances));
}

/**
 * The least number of seeds per arm with which the test finds a true `difference` with the power `wanted`. `std`: of
 * one run (paired: of the differences by seed). Beyond a million, where t is normal, only approximate.
 */
export function sampleSize(
  difference: number,
  std: number,
  test: Estimate['test'] = 'welch',
  alpha = defaultAlpha,
  wanted = defaultPower,
): number {
  const found = (n: number) => power(n, difference, std, test, alpha) >= wanted;
  let high = 2;
  while (!found(high) && high < 2 ** 20) high *= 2;
  if (!found(high)) {
    const z = normalQuantile(1 - alpha / 2, 0, 1) + normalQuantile(wanted, 0, 1);
    return Math.ceil((test === 'paired' ? 1 : 2) * ((z * std) / difference) ** 2);
  }
  let low = high / 2; // too few, or 1, for which there is no test
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle > 1 && found(middle)) high = middle;
    else low = middle;
  }
  return high;
}
