import jstat from 'jstat';

const { gammaln, normal } = jstat;
const logBeta = (a: number, b: number) => gammaln(a) + gammaln(b) - gammaln(a + b);

/** P(|T| >= |t|) for Student's t with `df` degrees of freedom: the incomplete beta function (Abramowitz and Stegun 26.7.1). */
export function twoSidedP(t: number, df: number): number {
  return incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** The t that |T| exceeds with probability `alpha`, for df >= 1. */
export function criticalT(alpha: number, df: number): number {
  const logScale = Math.log(2) - logBeta(df / 2, 0.5) - Math.log(df) / 2; // of twice the density
  const slope = (t: number) => Math.exp(logScale - ((df + 1) / 2) * Math.log1p((t * t) / df));
  let t = normal.inv(1 - alpha / 2, 0, 1); // below the solution; Newton's steps then only go up, for the tail is convex
  for (let i = 0; i < 100; i++) {
    const step = (twoSidedP(t, df) - alpha) / slope(t);
    t += step;
    if (Math.abs(step) <= 1e-14 * t) break;
  }
  return t;
}

/**
 * P(|T'| >= critical) for the noncentral t, T' = (Z + shift) / S with S² = chi²(df) / df: the normal tails averaged over
 * the density of S (Simpson's rule; that density is negligible eight standard deviations from 1).
 */
export function noncentralTail(critical: number, df: number, shift: number): number {
  const reach = 8 / Math.sqrt(2 * df);
  const low = Math.max(0, 1 - reach);
  const intervals = 600;
  const width = (1 + reach - low) / intervals;
  let [sum, weights] = [0, 0];
  for (let i = 0; i <= intervals; i++) {
    const s = low + i * width;
    const simpson = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    const density = simpson * Math.exp((df - 1) * Math.log(s || Number.MIN_VALUE) - (df * (s * s - 1)) / 2);
    const tails = normal.cdf(shift - critical * s, 0, 1) + normal.cdf(-shift - critical * s, 0, 1);
    sum += density * tails;
    weights += density;
  }
  return sum / weights; // so the density's constant factor does not matter
}

/** The regularised I_x(a, b) by its continued fraction (DLMF 8.17.22), in Lentz's way from the first term on. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  let [c, d] = [1, 1 - ((a + b) * x) / (a + 1)];
  d = 1 / d;
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / (1 + term * d);
      c = 1 + term / c;
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return (Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a) * fraction;
}
