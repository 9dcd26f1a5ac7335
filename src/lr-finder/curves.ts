import type { FinderRow } from '../runs/finder-columns.js';
import { smooth } from '../statistics/smooth.js';
import { mean } from '../statistics/statistics.js';
import { lossLine } from './line.js';
import type { LrCurve } from './suggestions.js';

/** `local`: local regression on the log axis, without lag; `average`: fastai's debiased moving average (0.98). */
export type Smoothing = 'local' | 'average';

/** The rows of one combination of hyperparameters, averaged over its seeds. */
export interface Group extends LrCurve {
  curve: number;
  momentum: number;
  weight_decay: number;
  batch_size: number;
  seeds: number[];
  /** The line through the losses, by `smoothing`. */
  smoothed: number[];
  smoothing: Smoothing;
  /** Least and greatest smoothed loss of the seeds. */
  low: number[];
  high: number[];
  /** Mean over the seeds. */
  val_loss?: number[];
  val_acc?: number[];
}

/** Groups the rows by `curve`; with several seeds, only the updates that all of them reached. */
export function groupCurves(rows: readonly FinderRow[], smoothing: Smoothing = 'local'): Group[] {
  const curves = [...new Set(rows.map((row) => row.curve))];
  return curves.map((curve) =>
    group(
      rows.filter((row) => row.curve === curve),
      smoothing,
    ),
  );
}

function group(rows: readonly FinderRow[], smoothing: Smoothing): Group {
  const { curve, momentum, weight_decay, batch_size } = rows[0]!;
  const seeds = [...new Set(rows.map((row) => row.seed))];
  const perSeed = seeds.map((seed) => rows.filter((row) => row.seed === seed));
  const shared = perSeed.reduce((shortest, other) => (other.length < shortest.length ? other : shortest));
  const over = (key: keyof FinderRow, summary: (values: number[]) => number) =>
    shared.map((_, i) => summary(perSeed.map((seed) => seed[i]![key])));
  const lrs = shared.map((row) => row.lr);
  const smoothed = (values: number[]) => (smoothing === 'local' ? lossLine(lrs, values) : smooth(values));
  const lines = perSeed.map((seed) => smoothed(seed.slice(0, shared.length).map((row) => row.loss)));
  const acrossLines = (summary: (values: number[]) => number) =>
    shared.map((_, i) => summary(lines.map((line) => line[i]!)));
  const validated = shared.some((row) => Number.isFinite(row.val_acc));
  return {
    ...{ curve, momentum, weight_decay, batch_size, seeds, smoothing },
    lr: shared.map((row) => row.lr),
    loss: over('loss', mean),
    average: over('smoothed', mean),
    smoothed: acrossLines(mean),
    low: acrossLines((values) => Math.min(...values)),
    high: acrossLines((values) => Math.max(...values)),
    ...(validated && { val_loss: over('val_loss', mean), val_acc: over('val_acc', mean) }),
  };
}

/** "momentum 0.95, batch 64": what distinguishes this group from the others; all of it if there is only one. */
export function labelOf(group: Group, groups: readonly Group[]): string {
  const words = { momentum: 'momentum', weight_decay: 'weight decay', batch_size: 'batch' } as const;
  const keys = Object.keys(words) as (keyof typeof words)[];
  const differing = keys.filter((key) => groups.some((other) => other[key] !== group[key]));
  const named = differing.length > 0 ? differing : keys;
  return named.map((key) => `${words[key]} ${group[key]}`).join(', ');
}
