import { countAxis, extent, lossAxis } from '../../charts/axes.js';
import { type Panel, panelSize } from '../../charts/theme.js';
import { thin } from '../../charts/thin.js';
import type { MetricsRow } from '../../runs/columns.js';
import { metrics } from '../../runs/scores.js';
import { mean, standardDeviation } from '../../statistics/statistics.js';
import type { RunCurves } from '../read-curves.js';
import { farOff } from './far-off.js';

const titles = { val_acc: 'validation accuracy (%)', val_loss: 'validation loss' };
const minPoints = 3; // fewer say no more than the final values
const shown = 6; // points of each curve that the axis includes, or its second half if that is more

/** What the curves run over: epochs, or the LR of each epoch's last update. */
export type CurveAxis = 'epoch' | 'lr';

/**
 * One line per config: the mean over its seeds, with a band of one standard deviation to each side. Over epochs the axes
 * show the ends of the curves, where the configs differ; over the LR they show everything but losses that explode.
 * Undefined: no curve has three points.
 */
export function compareCurves(
  series: readonly RunCurves[],
  what: 'val_acc' | 'val_loss',
  color: object,
  over: CurveAxis = 'epoch',
): Panel | undefined {
  const curves = series
    .map(({ config, runs }) => {
      const curve = meanCurve(runs, what).filter((point) => Number.isFinite(point.mean));
      return thin(curve, ['mean'], 500).map((point) => ({ config, ...point }));
    })
    .filter((curve) => curve.length > 0);
  if (curves.every((curve) => curve.length < minPoints)) return undefined;
  const points = curves.toReversed().flat(); // the first are drawn on top
  const goes = (sign: number) => (curve: readonly Point[]) =>
    curve.every((point, i) => i === 0 || sign * (point[over] - curve[i - 1]![over]) > 0);
  const oneWay = (curve: readonly Point[]) => goes(1)(curve) || goes(-1)(curve);
  const banded = curves.toReversed().filter(oneWay).flat(); // an area is sorted by x: a cycle of the LR would fold it
  const means = curves.map((curve) => curve.map((point) => point.mean));
  const domain = over === 'epoch' ? endsDomain(means, what) : wholeDomain(means, what);
  const visible = points.filter((point) => point.mean >= domain[0] && point.mean <= domain[1]);
  const worse = metrics[what].best === 'high' ? 'lower' : 'higher';
  const title = visible.length < points.length ? [titles[what], `${worse} values are not drawn`] : titles[what];
  const x = over === 'epoch' ? epochAxis(points, visible) : lrAxis(points);
  const common = { color, x: { field: over, type: 'quantitative', ...x } } as const;
  const vertical = { type: 'quantitative', title, scale: { domain, nice: false } } as const;
  return {
    ...panelSize,
    layer: [
      {
        data: { values: banded.filter(({ low, mean }) => Number.isFinite(low) && mean <= domain[1]) },
        mark: { type: 'area', opacity: 0.2, clip: true },
        encoding: { ...common, y: { field: 'low', ...vertical }, y2: { field: 'high' } },
      },
      {
        data: { values: points },
        mark: { type: 'line', clip: true, point: Math.max(...points.map(({ epoch }) => epoch)) <= 20 },
        encoding: { ...common, order: { field: 'epoch' }, y: { field: 'mean', ...vertical } },
      },
    ],
  };
}

/** From the epoch before the first visible point. */
function epochAxis(points: readonly Point[], visible: readonly Point[]) {
  const { scale, axis } = countAxis(points.map((point) => point.epoch));
  const start = Math.max(0, Math.min(...visible.map((point) => point.epoch)) - 1);
  return { title: 'epoch', scale: { ...scale, domain: [start, scale.domain[1]] }, axis };
}

function lrAxis(points: readonly Point[]) {
  const domain = extent(
    points.map((point) => point.lr),
    0.02,
  );
  return { title: 'learning rate', scale: { domain, nice: false } };
}

function wholeDomain(curves: readonly number[][], what: 'val_acc' | 'val_loss'): [number, number] {
  return what === 'val_acc' ? extent(curves.flat(), 0.05) : lossAxis(titles[what], ...curves).domain;
}

/** Includes the ends of the curves, except of those that end far off the others, and the best value of all. */
function endsDomain(curves: readonly number[][], what: 'val_acc' | 'val_loss'): [number, number] {
  const off = farOff(
    curves.map((curve) => curve.slice(-1)),
    what,
  );
  const kept = curves.filter((curve) => !off(curve.at(-1)!));
  const ends = kept.flatMap((curve) => curve.slice(-Math.max(shown, curve.length / 2)));
  const best = metrics[what].best === 'high' ? Math.max(...curves.flat()) : Math.min(...curves.flat());
  return extent([...ends, best], 0.05);
}

interface Point {
  epoch: number;
  lr: number;
  mean: number;
  /** NaN for a single run. */
  low: number;
  high: number;
}

/** Epoch by epoch, to the end of the shortest run. */
function meanCurve(runs: MetricsRow[][], what: 'val_acc' | 'val_loss'): Point[] {
  const epochs = Math.min(...runs.map((rows) => rows.length));
  return (runs[0] ?? []).slice(0, epochs).map(({ epoch, lr }, i) => {
    const values = runs.map((rows) => rows[i]![what]);
    const [middle, std] = [mean(values), standardDeviation(values)];
    return { epoch, lr, mean: middle, low: middle - std, high: middle + std };
  });
}
