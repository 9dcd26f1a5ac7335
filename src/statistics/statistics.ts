import { criticalT, noncentralTail, twoSidedP } from './student-t.js';

/** The error of the first kind, two-sided; intervals have the confidence 1 - alpha. */
export const alpha = 0.05;
const wantedPower = 0.8;

/** How far apart two arms are: mean of the one minus mean of the other, with its 95 % interval and the test against 0. */
export interface Difference {
  test: 'welch' | 'paired';
  difference: number;
  low: number;
  high: number;
  df: number;
  t: number;
  /** Two-sided, of this test alone. */
  p: number;
  /** Of one run: pooled over the arms (Welch), or of the differences by seed (paired). */
  std: number;
}

/** NaN for no value. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of an even number of values the mean of the middle two; NaN for no value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return mean(sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1));
}

/** Of the population that the values are drawn from (n - 1 below); NaN for fewer than two. */
export function standardDeviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1 || Number.NaN));
}

/** Half the width of the mean's 95 % interval; NaN for fewer than two values. */
export function halfInterval(values: readonly number[]): number {
  const n = values.length;
  return n < 2 ? Number.NaN : (criticalT(alpha, n - 1) * standardDeviation(values)) / Math.sqrt(n);
}

/**
 * Welch's test of a's mean minus b's, whatever their variances (Welch 1947, Biometrika 34). Undefined where nothing can be
 * said: fewer than two values on a side, or no variation at all.
 */
export function welch(a: readonly number[], b: readonly number[]): Difference | undefined {
  if (a.length < 2 || b.length < 2) return undefined;
  const [variance, other] = [a, b].map((values) => standardDeviation(values) ** 2) as [number, number];
  const [ofMean, ofOther] = [variance / a.length, other / b.length];
  const df = (ofMean + ofOther) ** 2 / (ofMean ** 2 / (a.length - 1) + ofOther ** 2 / (b.length - 1));
  const std = Math.sqrt((variance + other) / 2);
  return describe('welch', mean(a) - mean(b), Math.sqrt(ofMean + ofOther), df, std);
}

/** The paired test: a[i] and b[i] share a seed, and what the seed decides drops out of their difference. */
export function pairedT(a: readonly number[], b: readonly number[]): Difference | undefined {
  if (a.length !== b.length) throw new Error(`${a.length} values cannot be paired with ${b.length}`);
  if (a.length < 2) return undefined;
  const differences = a.map((value, i) => value - b[i]!);
  const std = standardDeviation(differences);
  return describe('paired', mean(differences), std / Math.sqrt(a.length), a.length - 1, std);
}

function describe(test: Difference['test'], difference: number, error: number, df: number, std: number) {
  if (!(error > 1e-12 * Math.abs(difference))) return undefined; // rounding apart, every value is the same
  const t = difference / error;
  const half = criticalT(alpha, df) * error;
  return { test, difference, low: difference - half, high: difference + half, df, t, p: twoSidedP(t, df), std };
}

/** Holm's step-down correction of p-values from several tests (Holm 1979, Scand. J. Statist. 6), in the order given. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((i, j) => ps[i]! - ps[j]!);
  const adjusted = new Array<number>(ps.length);
  let highest = 0;
  order.forEach((i, rank) => {
    highest = Math.max(highest, Math.min(1, (ps.length - rank) * ps[i]!));
    adjusted[i] = highest;
  });
  return adjusted;
}

/** The chance that the t-test with n runs an arm finds a true `difference`; exact, by the noncentral t. */
export function power(n: number, difference: number, std: number, test: Difference['test'] = 'welch'): number {
  const [df, variances] = test === 'paired' ? [n - 1, 1] : [2 * n - 2, 2];
  return noncentralTail(criticalT(alpha, df), df, (Math.abs(difference) / std) * Math.sqrt(n / variances));
}

/**
 * The least number of seeds an arm with which the test finds a true `difference` four times in five. `std`: of one run
 * (paired: of the differences by seed).
 */
export function sampleSize(difference: number, std: number, test: Difference['test'] = 'welch'): number {
  const variances = test === 'paired' ? 1 : 2;
  const normal = variances * ((1.959964 + 0.841621) * (std / difference)) ** 2; // a little low: the start of the search
  let n = Math.max(2, Math.floor(normal));
  while (power(n, difference, std, test) < wantedPower) n++;
  return n;
}
