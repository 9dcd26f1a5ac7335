import { countAxis, extent, lossAxis } from '../../charts/axes.js';
import { noData } from '../../charts/marks.js';
import { type Panel, panelSize } from '../../charts/theme.js';
import { thin } from '../../charts/thin.js';
import type { MetricsRow } from '../../runs/columns.js';
import { mean, standardDeviation } from '../../statistics/statistics.js';
import type { RunCurves } from '../read-curves.js';

/** Over epochs, a line a config: the mean over its seeds, with a band of one standard deviation to each side. */
export function compareCurves(series: readonly RunCurves[], what: 'val_acc' | 'val_loss', color: object): Panel {
  const curves = series.map(({ config, runs }) => {
    const curve = meanCurve(runs, what).filter((point) => Number.isFinite(point.mean));
    return thin(curve, ['mean']).map((point) => ({ config, ...point }));
  });
  const points = curves.flat();
  const y =
    what === 'val_loss'
      ? lossAxis('validation loss', ...curves.map((curve) => curve.map((point) => point.mean)))
      : {
          title: 'validation accuracy (%)',
          domain: extent(
            points.flatMap((point) => [point.mean, point.low, point.high]),
            0.05,
          ),
        };
  const common = {
    color,
    x: { field: 'epoch', type: 'quantitative', title: 'epoch', ...countAxis(points.map((point) => point.epoch)) },
  } as const;
  const vertical = { type: 'quantitative', title: y.title, scale: { domain: y.domain, nice: false } } as const;
  return {
    ...panelSize,
    layer: [
      {
        data: { values: points.filter(({ low, mean }) => Number.isFinite(low) && mean <= y.domain[1]) },
        mark: { type: 'area', opacity: 0.2, clip: true },
        encoding: { ...common, y: { field: 'low', ...vertical }, y2: { field: 'high' } },
      },
      {
        data: { values: points },
        mark: { type: 'line', clip: true, point: Math.max(...points.map(({ epoch }) => epoch)) <= 20 },
        encoding: { ...common, y: { field: 'mean', ...vertical } },
      },
      ...(points.length === 0 ? [noData] : []),
    ],
  };
}

/** Epoch by epoch as far as the shortest run goes; low and high are NaN for a single run. */
function meanCurve(runs: MetricsRow[][], what: 'val_acc' | 'val_loss') {
  const epochs = Math.min(...runs.map((rows) => rows.length));
  return (runs[0] ?? []).slice(0, epochs).map(({ epoch }, i) => {
    const values = runs.map((rows) => rows[i]![what]);
    const [middle, std] = [mean(values), standardDeviation(values)];
    return { epoch, mean: middle, low: middle - std, high: middle + std };
  });
}
