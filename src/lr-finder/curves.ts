import type { FinderRow } from '../runs/finder-columns.js';
import { mean } from '../statistics/statistics.js';
import type { LrCurve } from './suggestions.js';

/** The rows of one combination of hyperparameters, averaged over its seeds. */
export interface Group extends LrCurve {
  curve: number;
  momentum: number;
  weight_decay: number;
  batch_size: number;
  seeds: number[];
  /** Least and greatest smoothed loss of the seeds. */
  low: number[];
  high: number[];
  /** Mean over the seeds. */
  val_loss?: number[];
  val_acc?: number[];
}

/** Groups the rows by `curve`; of several seeds only the updates that all of them reached. */
export function groupCurves(rows: readonly FinderRow[]): Group[] {
  return [...new Set(rows.map((row) => row.curve))].map((curve) => average(rows.filter((row) => row.curve === curve)));
}

function average(rows: readonly FinderRow[]): Group {
  const { curve, momentum, weight_decay, batch_size } = rows[0]!;
  const seeds = [...new Set(rows.map((row) => row.seed))];
  const perSeed = seeds.map((seed) => rows.filter((row) => row.seed === seed));
  const shared = perSeed.reduce((shortest, other) => (other.length < shortest.length ? other : shortest));
  const over = (key: keyof FinderRow, summary: (values: number[]) => number) =>
    shared.map((_, i) => summary(perSeed.map((seed) => seed[i]![key])));
  const validated = shared.some((row) => Number.isFinite(row.val_acc));
  return {
    ...{ curve, momentum, weight_decay, batch_size, seeds },
    lr: shared.map((row) => row.lr),
    loss: over('loss', mean),
    smoothed: over('smoothed', mean),
    low: over('smoothed', (values) => Math.min(...values)),
    high: over('smoothed', (values) => Math.max(...values)),
    ...(validated && { val_loss: over('val_loss', mean), val_acc: over('val_acc', mean) }),
  };
}

/** "momentum 0.95, batch 64": what tells this group from the others; all of it where there is but one. */
export function labelOf(group: Group, groups: readonly Group[]): string {
  const words = { momentum: 'momentum', weight_decay: 'weight decay', batch_size: 'batch' } as const;
  const keys = Object.keys(words) as (keyof typeof words)[];
  const differing = keys.filter((key) => groups.some((other) => other[key] !== group[key]));
  const named = differing.length > 0 ? differing : keys;
  return named.map((key) => `${words[key]} ${group[key]}`).join(', ');
}
