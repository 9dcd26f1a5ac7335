import type { TopLevelSpec } from 'vega-lite';
import type { IterationRow } from '../runs/columns.js';
import { smooth } from '../statistics/smooth.js';
import { extent, type LossAxis, logAxis, lossAxis } from './axes.js';
import type { RunChartOptions } from './lr-momentum.js';
import { noData, verticalMark } from './marks.js';
import { chart, type Heading, type Layer, palette, widePanel, withLines } from './theme.js';
import { thin } from './thin.js';

const directions = ['rising LR', 'falling LR', 'constant LR'] as const;

/**
 * Training loss against learning rate: a faint point per batch, a line for the debiased moving average (beta 0.98). A
 * cycle passes each LR twice: updates with a rising and with a falling LR have different colours, each stretch its own
 * line.
 */
export function lossVsLr(
  rows: readonly IterationRow[],
  heading: Heading,
  { lrScale = 'linear', diverged }: RunChartOptions = {},
): TopLevelSpec {
  const visible = rows.filter((row) => Number.isFinite(row.lr) && (lrScale === 'linear' || row.lr > 0));
  const lrs = visible.map((row) => row.lr);
  const x = lrScale === 'log' ? logAxis(lrs) : { scale: { domain: extent(lrs, 0.02), nice: false } };
  const drawn = thin(withDirection(visible), ['loss', 'lr']).filter((row) => Number.isFinite(row.loss));
  const losses = visible.map((row) => row.loss);
  const layer = curve(drawn, x, lossAxis('training loss', losses));
  if (diverged) layer.push(verticalMark(diverged.lr, `diverged at iteration ${diverged.iteration}`, x.scale.domain));
  if (drawn.length === 0) layer.push(noData);
  const explained = withLines(heading, 'points: single batches; lines: debiased moving average (0.98)');
  return chart(explained, { ...widePanel, data: { values: drawn }, layer });
}

type Point = Pick<IterationRow, 'iteration' | 'lr' | 'loss'> & {
  smoothed: number;
  direction: (typeof directions)[number];
  stretch: number;
};

/** Adds the smoothed loss, whether the LR rises or falls at the update, and the number of its stretch. */
function withDirection(rows: readonly IterationRow[]): Point[] {
  const smoothed = smooth(rows.map((row) => row.loss));
  const signs = lrSigns(rows.map((row) => row.lr));
  let stretch = 0;
  return rows.map(({ iteration, lr, loss }, i) => {
    if (i > 0 && signs[i] !== signs[i - 1]) stretch++;
    const direction = directions[signs[i]! > 0 ? 0 : signs[i]! < 0 ? 1 : 2];
    return { iteration, lr, loss, smoothed: Number(smoothed[i]!.toPrecision(5)), direction, stretch };
  });
}

/** 1 where the LR rises to the next update, -1 where it falls. A plateau keeps the last sign, a jump gets the next. */
function lrSigns(lrs: readonly number[]): number[] {
  const steps = lrs.map((lr, i) => Math.sign((lrs[i + 1] ?? lr) - lr));
  let current = steps.find((step) => step !== 0) ?? 0;
  const signs = steps.map((step) => (current = step || current));
  return signs.map((sign, i) => (sign === signs[i - 1] || sign === signs[i + 1] ? sign : (signs[i + 1] ?? sign)));
}

function curve(drawn: readonly Point[], x: { scale: object; axis?: object }, { title, domain }: LossAxis): Layer[] {
  const present = directions.filter((direction) => drawn.some((row) => row.direction === direction));
  const encoding = {
    x: { field: 'lr', type: 'quantitative', title: 'learning rate', ...x },
    color: {
      field: 'direction',
      type: 'nominal',
      title: null,
      legend: { symbolType: 'stroke', symbolOpacity: 1 },
      scale: { domain: present, range: present.map((direction) => palette[directions.indexOf(direction)]!) },
    },
  } as const;
  const y = (field: keyof Point) => ({ field, type: 'quantitative', title, scale: { domain, nice: false } }) as const;
  return [
    {
      mark: { type: 'circle', size: drawn.length < 300 ? 25 : 8, opacity: 1, fillOpacity: 0.25, clip: true },
      encoding: { ...encoding, y: y('loss') },
    },
    {
      mark: { type: 'line', clip: true },
      encoding: { ...encoding, y: y('smoothed'), detail: { field: 'stretch' }, order: { field: 'iteration' } },
    },
  ];
}
