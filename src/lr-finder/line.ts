import { localRegression } from '../statistics/local-regression.js';
import { median } from '../statistics/median.js';

/**
 * The line through the losses of a range test: local regression on the log axis, without lag. A loss that blows up
 * counts as twice the usual one (of the start, or of the whole test if that is higher), so that it does not bend the
 * line nearby.
 */
export function lossLine(lr: readonly number[], loss: readonly number[]): number[] {
  const finite = loss.filter(Number.isFinite);
  const cap = 2 * Math.max(median(finite.slice(0, 10)), median(finite));
  const capped = loss.map((value) => (Number.isFinite(value) ? Math.min(value, cap) : value));
  return localRegression(lr.map(Math.log), capped);
}
