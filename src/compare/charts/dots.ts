import { extent } from '../../charts/axes.js';
import { type Panel, panelSize } from '../../charts/theme.js';
import { type Metric, metrics } from '../../runs/scores.js';
import { halfInterval, mean } from '../../statistics/statistics.js';
import { values } from '../comparison.js';
import { missingText, type Row } from '../row.js';

const rowHeight = 30;

/** A line a config: a dot for each seed, the mean and its 95 % confidence interval, or what became of its runs. `color` is keyed by `config`. */
export function compareDots(rows: readonly Row[], metric: Metric, color: object): Panel {
  const dots = rows.flatMap(({ config, ...row }) =>
    values({ config, ...row }, metric)
      .filter(({ value }) => Number.isFinite(value))
      .map((dot) => ({ config, ...dot })),
  );
  const means = rows.flatMap(({ config }) => {
    const own = dots.filter((dot) => dot.config === config).map((dot) => dot.value);
    const [middle, half] = [mean(own), halfInterval(own) || 0];
    return own.length > 0 ? [{ config, mean: middle, low: middle - half, high: middle + half }] : [];
  });
  const domain = extent([...dots.map((dot) => dot.value), ...means.flatMap(({ low, high }) => [low, high])], 0.05);
  const x = { type: 'quantitative', title: metrics[metric].what, scale: { domain, nice: false } } as const;
  const configs = rows.map((row) => row.config);
  const y = {
    field: 'config',
    type: 'nominal',
    title: null,
    scale: { domain: configs },
    axis: { labelLimit: 260 },
  } as const;
  return {
    width: panelSize.width,
    height: Math.max(panelSize.height, rowHeight * rows.length),
    layer: [
      {
        data: { values: means },
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { y, color, x: { field: 'low', ...x }, x2: { field: 'high' } },
      },
      {
        data: { values: means },
        mark: { type: 'tick', thickness: 3, size: 20 },
        encoding: { y, color, x: { field: 'mean', ...x } },
      },
      {
        data: { values: dots },
        mark: { type: 'circle', size: 60, opacity: 0.5 },
        encoding: { y, color, x: { field: 'value', ...x } },
      },
      {
        data: {
          values: rows.filter(({ n }) => n === 0).map(({ config, missing }) => ({ config, why: missingText(missing) })),
        },
        mark: { type: 'text', align: 'left' },
        encoding: { y, x: { value: 8 }, text: { field: 'why' } },
      },
    ],
  };
}
