/**
 * Local regression (Cleveland, J. Am. Stat. Assoc. 74, 1979): at each x the value of a line fitted to the nearest
 * `span` of all points, weighted by the tricube of their distance. Unlike a trailing average it has no lag. `x` must
 * ascend; values that are not finite are ignored, and the result is NaN after the last finite one.
 */
export function localRegression(x: readonly number[], y: readonly number[], span = 0.15): number[] {
  const finite = x.map((_, i) => i).filter((i) => Number.isFinite(y[i]));
  const last = finite.at(-1) ?? -1;
  if (finite.length < 5) return x.map((_, i) => y[i]!);
  const count = Math.min(finite.length, Math.max(5, Math.ceil(span * finite.length)));
  let first = 0; // the first of the nearest points
  return x.map((at, i) => {
    if (i > last) return Number.NaN;
    while (first + count < finite.length && x[finite[first + count]!]! - at < at - x[finite[first]!]!) first++;
    const near = finite.slice(first, first + count);
    const reach = Math.max(...near.map((k) => Math.abs(x[k]! - at))) * (1 + 1e-9) || 1;
    const weight = (k: number) => (1 - Math.abs((x[k]! - at) / reach) ** 3) ** 3;
    return lineAt0(near.map((k) => ({ u: (x[k]! - at) / reach, y: y[k]!, w: weight(k) })));
  });
}

/** The least-squares line's value at u = 0, by the normal equations. */
function lineAt0(points: { u: number; y: number; w: number }[]): number {
  let [s0, s1, s2, t0, t1] = [0, 0, 0, 0, 0];
  for (const { u, y, w } of points) {
    s0 += w;
    s1 += w * u;
    s2 += w * u * u;
    t0 += w * y;
    t1 += w * u * y;
  }
  const determinant = s0 * s2 - s1 * s1;
  return determinant < 1e-12 * s0 * s0 ? t0 / s0 : (t0 * s2 - t1 * s1) / determinant;
}
