import { extent, usualLoss } from '../../charts/axes.js';
import { type Panel, panelSize } from '../../charts/theme.js';
import { type Metric, metrics } from '../../runs/scores.js';
import { halfInterval, mean } from '../../statistics/statistics.js';
import { values } from '../comparison.js';
import { missingText, type Row } from '../row.js';

const rowHeight = 30;
const publishedOffset = 9; // below the runs

/**
 * A line a config: a dot for each seed, the mean and its 95 % confidence interval, or what became of its runs; what its
 * source reports beside them, if `withPublished`. `color` is keyed by `config`.
 */
export function compareDots(rows: readonly Row[], metric: Metric, color: object, withPublished = false): Panel {
  const dots = rows.flatMap(({ config, ...row }) =>
    values({ config, ...row }, metric)
      .filter(({ value }) => Number.isFinite(value))
      .map((dot) => ({ config, ...dot })),
  );
  const configs = rows.map((row) => row.config);
  const valuesOf = (config: string) => dots.filter((dot) => dot.config === config).map((dot) => dot.value);
  const means = configs.flatMap((config) => {
    const own = valuesOf(config);
    const [middle, half] = [mean(own), halfInterval(own) || 0];
    return own.length > 0 ? [{ config, mean: middle, low: middle - half, high: middle + half }] : [];
  });
  const limit = metric === 'val_loss' ? 3 * usualLoss(configs.map(valuesOf)) : Infinity;
  const beyond = means.flatMap(({ config, mean }) => {
    const off = valuesOf(config).filter((value) => value > limit);
    const seeds = off.length > 1 ? `${off.length} seeds up to` : 'a seed at';
    const text = `${seeds} ${Math.max(...off).toPrecision(2)}, the mean at ${mean.toPrecision(2)}`;
    return off.length > 0 ? [{ config, text }] : [];
  });
  const inside = dots.filter(({ value }) => value <= limit);
  const drawn = means.filter(({ config }) => beyond.every((other) => other.config !== config));
  const reported = rows.flatMap(({ config, published: { val_acc: value, std = 0 } = {} }) =>
    withPublished && value !== undefined ? [{ config, value, low: value - std, high: value + std }] : [],
  );
  const domain = extent(
    [...inside.map(({ value }) => value), ...[...drawn, ...reported].flatMap(({ low, high }) => [low, high])],
    0.05,
  );
  const title = beyond.length > 0 ? `${metrics[metric].what}, cut off` : metrics[metric].what;
  const x = { type: 'quantitative', title, scale: { domain, nice: false } } as const;
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
        data: { values: drawn },
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { y, color, x: { field: 'low', ...x }, x2: { field: 'high' } },
      },
      {
        data: { values: drawn },
        mark: { type: 'tick', thickness: 3, size: 20 },
        encoding: { y, color, x: { field: 'mean', ...x } },
      },
      {
        data: { values: inside },
        mark: { type: 'circle', size: 60, opacity: 0.5 },
        encoding: { y, color, x: { field: 'value', ...x } },
      },
      {
        data: { values: reported },
        mark: { type: 'rule', strokeWidth: 1, yOffset: publishedOffset },
        encoding: { y, x: { field: 'low', ...x }, x2: { field: 'high' } },
      },
      {
        data: { values: reported },
        mark: { type: 'point', shape: 'diamond', size: 70, color: 'black', opacity: 1, yOffset: publishedOffset },
        encoding: { y, x: { field: 'value', ...x } },
      },
      {
        data: { values: beyond },
        mark: { type: 'text', align: 'right', dy: -13 },
        encoding: { y, x: { value: panelSize.width - 6 }, text: { field: 'text' } },
      },
      {
        data: {
          values: rows.filter(({ n }) => n === 0).map(({ config, missing }) => ({ config, why: missingText(missing) })),
        },
        mark: { type: 'text', align: 'left' },
        encoding: { color, y, x: { value: 8 }, text: { field: 'why' } },
      },
    ],
  };
}
