import { extent } from '../../charts/axes.js';
import { type Panel, panelSize } from '../../charts/theme.js';
import { type Metric, metrics } from '../../runs/scores.js';
import { halfInterval, mean } from '../../statistics/statistics.js';
import { values } from '../comparison.js';
import { missingText, type Row } from '../row.js';
import { farOff } from './far-off.js';

const rowHeight = 30;
const publishedOffset = 9; // below the runs
const widest = 0.3; // margin for intervals on each side, as a share of the range of the dots

/**
 * One line per config: a dot for each seed, the mean and its 95 % confidence interval, or the status of its runs;
 * beside them the value that its source reports, if `withPublished`. The axis is made for the dots: arrows mark
 * intervals and seeds beyond it. `color` is keyed by `config`.
 */
export function compareDots(
  rows: readonly Row[],
  metric: Metric,
  color: object,
  withPublished = false,
  width = panelSize.width,
): Panel {
  const marks = marksOf(rows, metric, withPublished);
  const { dots, means, beyond, reported } = marks;
  const domain = domainOf(marks);
  const atLeft = metrics[metric].best === 'high'; // values beyond the axis are bad
  const arrows = arrowsOf(marks, domain, atLeft);
  const { what } = metrics[metric];
  const title = arrows.length > 0 ? [what, 'arrows: intervals and seeds beyond the axis'] : what;
  const x = { type: 'quantitative', title, scale: { domain, nice: false } } as const;
  const y = {
    field: 'config',
    type: 'nominal',
    title: null,
    scale: { domain: rows.map((row) => row.config) },
    axis: { labelLimit: 260 },
  } as const;
  return {
    width,
    height: Math.max(panelSize.height, rowHeight * rows.length),
    layer: [
      {
        data: { values: means },
        mark: { type: 'rule', strokeWidth: 2, opacity: 0.6, clip: true },
        encoding: { y, color, x: { field: 'low', ...x }, x2: { field: 'high' } },
      },
      {
        data: { values: means },
        mark: { type: 'tick', thickness: 3, size: 20 },
        encoding: { y, color, x: { field: 'mean', ...x } },
      },
      {
        data: { values: dots },
        mark: { type: 'circle', size: 60, opacity: 0.7 },
        encoding: { y, color, x: { field: 'value', ...x } },
      },
      {
        data: { values: arrows },
        mark: { type: 'point', filled: true, size: 60, opacity: 1 },
        encoding: { y, color, x: { field: 'value', ...x }, shape: { field: 'shape', scale: null } },
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
        mark: { type: 'text', align: atLeft ? 'left' : 'right', dy: -5 },
        encoding: { y, x: { value: atLeft ? 10 : width - 10 }, text: { field: 'text' } },
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

type Marks = ReturnType<typeof marksOf>;

/** The values to draw; `beyond`: a text for each config with seeds that are far off. */
function marksOf(rows: readonly Row[], metric: Metric, withPublished: boolean) {
  const scored = rows.flatMap((row) => {
    const scores = values(row, metric).flatMap(({ value }) => (Number.isFinite(value) ? [value] : []));
    return scores.length > 0 ? [{ config: row.config, scores }] : [];
  });
  const off = farOff(
    scored.map(({ scores }) => scores),
    metric,
  );
  const dots = scored.flatMap(({ config, scores }) =>
    scores.filter((value) => !off(value)).map((value) => ({ config, value })),
  );
  const means = scored
    .filter(({ scores }) => !scores.some(off))
    .map(({ config, scores }) => {
      const [middle, half] = [mean(scores), halfInterval(scores) || 0];
      return { config, mean: middle, low: middle - half, high: middle + half };
    });
  const beyond = scored
    .filter(({ scores }) => scores.some(off))
    .map(({ config, scores }) => ({ config, text: beyondText(scores.filter(off), mean(scores)) }));
  const reported = rows.flatMap(({ config, published: { val_acc: value, std = 0 } = {} }) =>
    withPublished && value !== undefined ? [{ config, value, low: value - std, high: value + std }] : [],
  );
  return { dots, means, beyond, reported };
}

/** "2 seeds at 66.1 to 67.8, mean 72.0": those beyond the axis, and the mean over all. */
function beyondText(off: readonly number[], all: number): string {
  const [low, high, middle] = [Math.min(...off), Math.max(...off), all].map((value) => value.toPrecision(3));
  return off.length > 1
    ? `${off.length} seeds at ${low} to ${high}, mean ${middle}`
    : `1 seed at ${low}, mean ${middle}`;
}

/** Includes the dots and the reported values, and the intervals as far as they leave most of the axis to the dots. */
function domainOf({ dots, means, reported }: Marks): [number, number] {
  const points = [...dots.map(({ value }) => value), ...reported.flatMap(({ low, high }) => [low, high])];
  const [min, max] = extent(points, widest);
  const ends = means.flatMap(({ low, high }) => [Math.max(low, min), Math.min(high, max)]);
  return extent([...points, ...ends], 0.05);
}

function arrowsOf({ means, beyond }: Marks, [min, max]: [number, number], atLeft: boolean) {
  const left = [...means.filter(({ low }) => low < min), ...(atLeft ? beyond : [])];
  const right = [...means.filter(({ high }) => high > max), ...(atLeft ? [] : beyond)];
  return [
    ...left.map(({ config }) => ({ config, value: min, shape: 'triangle-left' })),
    ...right.map(({ config }) => ({ config, value: max, shape: 'triangle-right' })),
  ];
}
