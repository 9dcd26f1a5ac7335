import { median } from '../statistics/median.js';
/** Lowest and highest finite value, widened by `margin` of their distance; a single value by a twentieth of itself. */
export function extent(values: readonly number[], margin: number): [number, number] {
  const [low, high] = finiteRange(values);
  const padding = low < high ? (high - low) * margin : Math.abs(low) / 20 || 1;
  return [low - padding, high + padding];
}

/** A logarithmic axis around the positive values, half a decade to each side of a single one; with readable ticks. */
export function logAxis(values: readonly number[]) {
  const [low, high] = finiteRange(values.filter((value) => value > 0).map(Math.log10));
  const padding = 0.02 * (high - low) || 0.5;
  const ends = [low - padding, high + padding].map((power) => Math.min(308, Math.max(-307, power))); // a double's range
  const domain = ends.map((power) => 10 ** power) as [number, number];
  const ticks = logTicks(domain);
  return {
    scale: { type: 'log', domain, nice: false },
    axis: { values: ticks, tickCount: ticks.length, format: '~g' },
  } as const;
}

/** Powers of ten, at most some 15 of them; up to three decades also twice and five times these. */
function logTicks([low, high]: readonly [number, number]): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const exponents = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const multiples = high / low > 1500 ? [1] : [1, 2, 5];
  const every = Math.ceil(exponents.length / 15);
  return exponents
    .filter((exponent) => exponent % every === 0)
    .flatMap((exponent) => multiples.map((multiple) => Number(`${multiple}e${exponent}`)))
    .filter((tick) => tick >= low && tick <= high);
}

/** A linear axis for what a run counts, iterations or epochs: from 0 to a little beyond the last. */
export function countAxis(counts: readonly number[]) {
  const domain: [number, number] = [0, 1.02 * Math.max(1, finiteRange(counts)[1])];
  return { scale: { domain, nice: false }, axis: { tickMinStep: 1 } } as const;
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

/** The domain of a loss axis, and its title, whose second line says so if values are cut off. */
export interface LossAxis {
  title: string | string[];
  domain: [number, number];
  /** That second line. */
  note?: string;
}

/** Losses that blow up would flatten all others: the axis stops at 1.5 times the typical loss, and says so. */
export function lossAxis(title: string, ...curves: (readonly number[])[]): LossAxis {
  const typical = typicalLoss(curves);
  const highest = finiteRange(curves.flat())[1];
  if (!(highest > 3 * typical)) return { title, domain: [0, 1.05 * highest || 1] };
  const top = 1.5 * typical;
  const note = `cut off at ${top.toPrecision(2)} (highest: ${highest.toPrecision(2)})`;
  return { title: [title, note], domain: [0, top], note };
}

/**
 * For one curve, the higher of the median of its first ten losses, which is the untrained network's, and the median of
 * all; for several, the highest that is no explosion: at most five times their median. Infinity: there are no losses.
 */
export function typicalLoss(curves: readonly (readonly number[])[]): number {
  const each = curves
    .map((losses) => losses.filter((loss) => Number.isFinite(loss) && loss > 0))
    .filter((losses) => losses.length > 0)
    .map((losses) => Math.max(median(losses.slice(0, 10)), median(losses)))
    .sort((a, b) => a - b);
  const middle = each[(each.length - 1) >> 1]!;
  return each.findLast((typical) => typical <= 5 * middle) ?? Infinity;
}
