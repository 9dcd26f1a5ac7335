import { thin } from '../charts/thin.js';
import type { IterationRow } from '../runs/columns.js';
import type { StepPoint } from './data.js';

/**
 * At most `limit` rows of iterations.csv, with extremes kept. Each has the mean loss since the one before it, since the
 * average of extremes is not that of the losses: a few high ones outweigh many low ones.
 */
export function thinnedSteps(rows: readonly IterationRow[], limit: number): StepPoint[] {
  const kept = new Set(thin(rows, ['loss', 'lr'], limit));
  let [sum, losses] = [0, 0];
  return rows.flatMap((row) => {
    const { iteration, lr, momentum, loss } = row;
    if (Number.isFinite(loss)) [sum, losses] = [sum + loss, losses + 1];
    if (!kept.has(row)) return [];
    const mean_loss = losses > 0 ? Number((sum / losses).toPrecision(5)) : null;
    const point = { iteration, lr, momentum, loss: Number.isFinite(loss) ? loss : null, mean_loss, losses };
    [sum, losses] = [0, 0];
    return [point];
  });
}
