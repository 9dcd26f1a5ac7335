import type { TopLevelSpec } from 'vega-lite';
import { extent, lossAxis } from '../charts/axes.js';
import { noData } from '../charts/marks.js';
import { chart, type Heading, type Layer, type Panel, panelSize } from '../charts/theme.js';
import { thin } from '../charts/thin.js';
import {
  encodings,
  type FinderCurve,
  lrAxis,
  type Scale,
  unanswered,
  validationLossAxis,
  type X,
  type Y,
} from './chart-axes.js';
import { flags, suggestionMarks } from './chart-marks.js';
import { type Method, runningMedian } from './suggestions.js';

const size = { width: 1.5 * panelSize.width, height: 1.5 * panelSize.height };

/**
 * Training loss against learning rate, on the axis of the range test. One curve: a faint point each batch, and a flag for each
 * suggestion, the range shaded. Several curves: their suggestions are marked on the lines. Several seeds: mean and a band.
 */
export function lrFinder(curves: readonly FinderCurve[], heading: Heading, scale: Scale): TopLevelSpec {
  const seeds = curves.some((curve) => curve.seeds.length > 1);
  const rows = curves.flatMap((curve) => rowsOf(curve, { raw: curve.loss, line: curve.smoothed }));
  const values = seeds
    ? curves.flatMap((curve) => [...curve.low, ...curve.high]).filter(Number.isFinite)
    : rows.flatMap((row) => [row.raw, row.line]);
  const { title, domain } = lossAxis('training loss', values);
  const bottom = Math.min(...values, domain[1]);
  const y: Y = { title, scale: { domain: [bottom - 0.05 * (domain[1] - bottom), domain[1]] } }; // not from 0: a dip is shallow
  const x = lrAxis(curves, scale);
  const layer = [
    ...(seeds ? curves.map((curve) => seedBand(curve, curves, x, y)) : [points(rows, curves, x, y)]),
    lines(rows, curves, x, y),
    ...(curves.length === 1 ? flags(curves[0]!, x) : [suggestionMarks(curves, x, y)]),
    ...(rows.length === 0 ? [noData] : []),
  ];
  const explanation = seeds
    ? 'lines: mean over the seeds of the debiased moving average (0.98); bands: from the least to the greatest seed'
    : 'points: each batch; lines: debiased moving average (0.98)';
  return chart(withLines(heading, explanation, ...why(curves)), { ...size, layer });
}

/** Loss and accuracy on one validation batch after each update, against learning rate, two panels. */
export function finderValidation(curves: readonly FinderCurve[], heading: Heading, scale: Scale): TopLevelSpec {
  const x = lrAxis(curves, scale);
  const panel = (key: 'val_loss' | 'val_acc'): Panel => {
    const measured = curves.map((curve) => ({ curve, values: curve[key] ?? [] }));
    const rows = measured.flatMap(({ curve, values }) => rowsOf(curve, { raw: values, line: runningMedian(values) }));
    const values = rows.flatMap((row) => [row.raw, row.line]);
    const accuracy: Y = { title: 'validation accuracy (%)', scale: { domain: extent(values, 0.05) } };
    const y = key === 'val_acc' ? accuracy : validationLossAxis(values);
    const range = curves.length === 1 ? flags(curves[0]!, x, 'range') : [suggestionMarks(curves, x, y, 'range')];
    return {
      ...{ width: 1.2 * panelSize.width, height: 1.2 * panelSize.height },
      layer: [
        points(rows, curves, x, y),
        lines(rows, curves, x, y),
        ...(key === 'val_acc' ? range : []),
        ...(rows.length === 0 ? [noData] : []),
      ],
    };
  };
  const explanation =
    'points: one validation batch after each update; lines: running median over a tenth of the updates';
  return chart(withLines(heading, explanation, ...why(curves, 'range')), panel('val_loss'), panel('val_acc'));
}

/** Of a single curve: several have no room for it. */
function why(curves: readonly FinderCurve[], only?: Method): string[] {
  return curves.length === 1 ? unanswered(curves[0]!, only) : [];
}

function withLines({ title, subtitle = [] }: Heading, ...lines: string[]): Heading {
  return { title, subtitle: [subtitle, lines].flat() };
}

interface Row {
  label: string;
  lr: number;
  /** As measured, and what the line goes through. */
  raw: number;
  line: number;
}
function rowsOf({ label, lr }: FinderCurve, { raw, line }: { raw: readonly number[]; line: readonly number[] }): Row[] {
  const rows = raw.map((value, i) => ({ label, lr: lr[i]!, raw: value, line: line[i]! }));
  return thin(
    rows.filter((row) => Number.isFinite(row.raw) && Number.isFinite(row.line)),
    ['raw', 'line'],
    1000,
  );
}

function points(values: Row[], curves: readonly FinderCurve[], x: X, y: Y): Layer {
  const encode = encodings(curves, x, y);
  return {
    data: { values },
    mark: { type: 'circle', size: values.length < 300 ? 25 : 8, opacity: 1, fillOpacity: 0.25, clip: true },
    encoding: { ...encode, y: encode.y('raw') },
  };
}

function lines(values: Row[], curves: readonly FinderCurve[], x: X, y: Y): Layer {
  const encode = encodings(curves, x, y);
  return { data: { values }, mark: { type: 'line', clip: true }, encoding: { ...encode, y: encode.y('line') } };
}

function seedBand(curve: FinderCurve, curves: readonly FinderCurve[], x: X, y: Y): Layer {
  const encode = encodings(curves, x, y);
  const rows = curve.lr.map((lr, i) => ({ label: curve.label, lr, low: curve.low[i]!, high: curve.high[i]! }));
  return {
    data: {
      values: thin(
        rows.filter((row) => Number.isFinite(row.low + row.high)),
        ['low', 'high'],
        1000,
      ),
    },
    mark: { type: 'area', opacity: 0.18, clip: true },
    encoding: { ...encode, y: encode.y('low'), y2: { field: 'high' } },
  };
}
