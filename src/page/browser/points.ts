import type { EpochPoint, PageRun } from '../data.js';
import type { Point } from './charts.js';

/**
 * Debiased exponential moving average, as in TensorBoard and W&B (arXiv:1412.6980, sec. 3); `beta` 0: none. `counts`: of
 * how many values each is the mean.
 */
export function smoothed(values: readonly number[], beta: number, counts?: readonly number[]): number[] {
  let [sum, count] = [0, 0];
  return values.map((value, i) => {
    const own = (1 - beta) * (counts?.[i] ?? 1);
    sum = beta * sum + own * value;
    count = beta * count + own;
    return sum / count;
  });
}

/** A line per run: one of its measurements over epochs. */
export function epochPoints(runs: readonly PageRun[], what: keyof EpochPoint): Point[] {
  return runs.flatMap((run) => line(run, run.epochs, 'epoch', what, 0));
}

/** A line per run: LR, momentum or loss over iterations, or loss over LR. A loss that is smoothed is that of all batches. */
export function stepPoints(
  runs: readonly PageRun[],
  x: 'iteration' | 'lr',
  what: 'lr' | 'momentum' | 'loss',
  beta: number,
): Point[] {
  const means = what === 'loss' && beta > 0;
  return runs.flatMap(({ steps = [], ...run }) =>
    means ? line(run, steps, x, 'mean_loss', beta, 'losses') : line(run, steps, x, what, beta),
  );
}

function line<Row>(
  run: PageRun,
  rows: readonly Row[],
  x: keyof Row,
  y: keyof Row,
  beta: number,
  count?: keyof Row,
): Point[] {
  const finite = rows.filter((row) => row[x] !== null && row[y] !== null);
  const values = smoothed(
    finite.map((row) => row[y] as number),
    beta,
    count && finite.map((row) => row[count] as number),
  );
  const name = `${run.arm}, seed ${run.seed} (${run.directory})`;
  return finite.map((row, i) => ({ arm: run.arm, run: name, x: row[x] as number, y: values[i]!, order: i }));
}

/** A line per arm: the mean over its seeds, up to where all have come; the band is one standard deviation each way. */
export function meanPoints(points: readonly Point[]): Point[] {
  const arms = groupBy(points, (point) => point.arm);
  return [...arms].flatMap(([arm, own]) => {
    const seeds = new Set(own.map((point) => point.run)).size;
    const byX = [...groupBy(own, (point) => point.x)].filter(([, at]) => at.length === seeds);
    return byX.map(([x, at]) => {
      const mean = at.reduce((sum, { y }) => sum + y, 0) / at.length;
      const std = Math.sqrt(at.reduce((sum, { y }) => sum + (y - mean) ** 2, 0) / (at.length - 1));
      const band = seeds > 1 ? { low: mean - std, high: mean + std } : {};
      return { arm, run: `${arm}, mean of ${seeds}`, x, y: mean, order: x, ...band };
    });
  });
}

/** The items by their key, in the order in which keys first occur. */
export function groupBy<Item, Key>(items: readonly Item[], key: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
