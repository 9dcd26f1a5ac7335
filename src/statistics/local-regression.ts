/**
 * Local quadratic regression (Cleveland, J. Am. Stat. Assoc. 74, 1979): at each x the parabola that fits the nearest `span` of
 * all points, which count by the tricube of their distance. It has no lag, unlike an average of the values before. `x` rises;
 * a value that is not finite does not count, and what comes after the last finite one is NaN.
 */
export function localRegression(x: readonly number[], y: readonly number[], span = 0.3): number[] {
  const finite = x.map((_, i) => i).filter((i) => Number.isFinite(y[i]));
  const last = finite.at(-1) ?? -1;
  if (finite.length < 5) return x.map((_, i) => y[i]!);
  const count = Math.min(finite.length, Math.max(5, Math.ceil(span * finite.length)));
  let first = 0; // of the nearest points
  return x.map((at, i) => {
    if (i > last) return Number.NaN;
    while (first + count < finite.length && x[finite[first + count]!]! - at < at - x[finite[first]!]!) first++;
    const near = finite.slice(first, first + count);
    const reach = Math.max(...near.map((k) => Math.abs(x[k]! - at))) * (1 + 1e-9) || 1;
    const weight = (k: number) => (1 - Math.abs((x[k]! - at) / reach) ** 3) ** 3;
    return parabolaAt0(near.map((k) => ({ u: (x[k]! - at) / reach, y: y[k]!, w: weight(k) })));
  });
}

/** The least-squares parabola's value at u = 0, by the normal equations. */
function parabolaAt0(points: { u: number; y: number; w: number }[]): number {
  const moment = (power: number) => points.reduce((sum, { u, w }) => sum + w * u ** power, 0);
  const product = (power: number) => points.reduce((sum, { u, y, w }) => sum + w * y * u ** power, 0);
  const [s0, s1, s2, s3, s4] = [0, 1, 2, 3, 4].map(moment) as [number, number, number, number, number];
  const [t0, t1, t2] = [0, 1, 2].map(product) as [number, number, number];
  const minors = [s2 * s4 - s3 * s3, s1 * s4 - s2 * s3, s1 * s3 - s2 * s2] as const;
  const determinant = s0 * minors[0] - s1 * minors[1] + s2 * minors[2];
  if (Math.abs(determinant) < 1e-12 * s0 ** 3) return t0 / s0;
  return (t0 * minors[0] - t1 * minors[1] + t2 * minors[2]) / determinant;
}
