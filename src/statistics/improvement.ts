import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';

/** P(A > B): the chance that a run of A beats one of B, ties counted half. */
export interface Improvement {
  probability: number;
  low: number;
  high: number;
}

/**
 * The Mann-Whitney estimate of P(A > B) with Newcombe's interval (2006, Statistics in Medicine 25, method 5: the score
 * interval by the Hanley-McNeil variance), which keeps its coverage with few runs and never shrinks to a point. `best`:
 * whether high or low values win.
 */
export function improvement(
  a: readonly number[],
  b: readonly number[],
  best: 'high' | 'low',
  alpha: number,
): Improvement | undefined {
  if (a.length === 0 || b.length === 0) return undefined;
  const sign = best === 'high' ? 1 : -1;
  const wins = a.flatMap((x) => b.map((y) => (1 + Math.sign(sign * (x - y))) / 2));
  const probability = wins.reduce((sum, win) => sum + win, 0) / wins.length;
  const z = normalQuantile(1 - alpha / 2, 0, 1);
  const extra = (a.length + b.length) / 2 - 1;
  const reach = (theta: number) => {
    const factor = 1 + extra * ((1 - theta) / (2 - theta) + theta / (1 + theta));
    return z * Math.sqrt((theta * (1 - theta) * factor) / wins.length);
  };
  const low = bisect((theta) => theta + reach(theta) > probability, 0, probability);
  const high = bisect((theta) => theta - reach(theta) > probability, probability, 1);
  return { probability, low, high };
}

/** The x at which `holds` turns from false (left of it) to true. */
function bisect(holds: (x: number) => boolean, low: number, high: number): number {
  let [left, right] = [low, high];
  for (let i = 0; i < 60; i++) {
    const middle = (left + right) / 2;
    if (holds(middle)) right = middle;
    else left = middle;
  }
  return right;
}
