import normal from '@stdlib/stats-base-dists-normal-cdf';
import cdf from '@stdlib/stats-base-dists-t-cdf';
import quantile from '@stdlib/stats-base-dists-t-quantile';

/** P(|T| >= |t|) for Student's t with `df` degrees of freedom. */
export function twoSidedP(t: number, df: number): number {
  return 2 * cdf(-Math.abs(t), df);
}

/** The t that |T| exceeds with probability `alpha`. */
export function criticalT(alpha: number, df: number): number {
  return -quantile(alpha / 2, Math.min(df, 1e15)); // the library's quantile is 0 from 1e17 on
}

/**
 * P(|T'| >= critical) for the noncentral t, T' = (Z + shift) / S with S² = chi²(df) / df: the normal tails averaged
 * over the density of S (Simpson's rule; that density is negligible eight standard deviations from 1).
 */
export function noncentralTail(critical: number, df: number, shift: number): number {
  const tailsAt = (s: number) => normal(shift - critical * s, 0, 1) + normal(-shift - critical * s, 0, 1);
  if (df > 1e9) return tailsAt(1); // S is 1 to four digits, and its density would lose all of its own
  const reach = 8 / Math.sqrt(2 * df);
  const low = Math.max(0, 1 - reach);
  const intervals = 600;
  const width = (1 + reach - low) / intervals;
  let [sum, weights] = [0, 0];
  for (let i = 0; i <= intervals; i++) {
    const s = low + i * width;
    const simpson = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    const density = simpson * Math.exp((df - 1) * Math.log(s || Number.MIN_VALUE) - (df * (s * s - 1)) / 2);
    sum += density * tailsAt(s);
    weights += density;
  }
  return sum / weights; // so the density's constant factor does not matter
}
