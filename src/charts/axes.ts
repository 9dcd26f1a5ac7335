/** The finite values' least and greatest, widened by `margin` of their distance (by `margin` itself where they are all the same). */
export function extent(values: readonly number[], margin = 0): [number, number] {
  const [low, high] = finiteRange(values);
  const padding = (high - low || 1) * margin;
  return [low - padding, high + padding];
}

function finiteRange(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Where a loss axis ends, and its title, which says so if it leaves values out. */
export interface LossAxis {
  title: string;
  domain: [number, number];
}

/**
 * Losses that blow up would flatten all others: beyond three times the usual (the greater of the first ten losses' median,
 * which is the untrained network's, and the median of all) the axis stops at one and a half times the usual.
 */
export function lossAxis(title: string, losses: readonly number[]): LossAxis {
  const finite = losses.filter(Number.isFinite);
  const highest = finiteRange(finite)[1];
  const usual = Math.max(median(finite.slice(0, 10)), median(finite));
  if (!(highest > 3 * usual)) return { title, domain: [0, highest * 1.05] };
  const top = 1.5 * usual;
  return { title: `${title}, cut off at ${top.toPrecision(2)} (highest: ${highest.toPrecision(2)})`, domain: [0, top] };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
