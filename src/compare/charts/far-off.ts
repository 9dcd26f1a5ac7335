import { typicalLoss } from '../../charts/axes.js';
import { type Metric, metrics } from '../../runs/scores.js';

/**
 * Which values an axis leaves out, so that a few bad rows do not squeeze the others: the best three quarters of the
 * rows have at least a third of it. A loss that explodes is left out too.
 */
export function farOff(rows: readonly (readonly number[])[], metric: Metric): (value: number) => boolean {
  const sign = metrics[metric].best === 'high' ? -1 : 1; // makes the metric a cost: high is bad
  const worst = rows.map((values) => Math.max(...values.map((value) => sign * value))).sort((a, b) => a - b);
  const best = Math.min(...rows.flat().map((value) => sign * value));
  const typical = worst[Math.ceil(0.75 * worst.length) - 1]!;
  const limit = Math.min(typical + 2 * (typical - best), metric === 'val_loss' ? 3 * typicalLoss(rows) : Infinity);
  return (value) => sign * value > limit;
}
