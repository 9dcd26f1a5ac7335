import type { TopLevelSpec } from 'vega-lite';
import { extent, lossAxis } from '../charts/axes.js';
import { noData } from '../charts/marks.js';
import { chart, type Heading, type Layer, type Panel, panelSize, widePanel, withLines } from '../charts/theme.js';
import { thin } from '../charts/thin.js';
import {
  encodings,
  type FinderCurve,
  type FinderPanel,
  lrAxis,
  type Scale,
  unanswered,
  validationLossAxis,
  type Y,
} from './chart-axes.js';
import { flags, suggestionMarks } from './chart-marks.js';
import { type Method, runningMedian } from './suggestions.js';

/**
 * Training loss against learning rate, on the axis of the range test. One curve: a faint point per batch, and a flag
 * per suggestion, the range shaded. Several curves: their suggestions are marked on the lines. Several seeds: mean and
 * band.
 */
export function lrFinder(curves: readonly FinderCurve[], heading: Heading, scale: Scale): TopLevelSpec {
  const seeds = curves.some((curve) => curve.seeds.length > 1);
  const rows = curves.flatMap((curve) => rowsOf(curve, { raw: curve.loss, line: curve.smoothed }));
  const values = seeds
    ? curves.flatMap((curve) => [...curve.low, ...curve.high]).filter(Number.isFinite)
    : rows.flatMap((row) => [row.raw, row.line]);
  const { title, domain } = lossAxis('training loss', values);
  const bottom = Math.min(...values, domain[1]);
  // not from 0, since dips are shallow
  const y: Y = { title, scale: { domain: [bottom - 0.05 * (domain[1] - bottom), domain[1]] } };
  const panel: FinderPanel = { curves, x: lrAxis(curves, scale), y };
  const layer = [
    ...(seeds ? curves.map((curve) => seedBand(curve, panel)) : [points(rows, panel)]),
    lines(rows, panel),
    ...suggestionLayers(panel),
    ...(rows.length === 0 ? [noData] : []),
  ];
  const line =
    curves[0]?.smoothing === 'average' ? 'debiased moving average (0.98)' : 'local regression on the log axis';
  const explanation = seeds
    ? `lines: mean over the seeds of the ${line}; bands: from the lowest to the highest seed`
    : `points: each batch; lines: ${line}`;
  return chart(withLines(heading, explanation, ...reasons(curves)), { ...widePanel, layer });
}

/** Loss and accuracy on one validation batch after each update, against learning rate, in two panels. */
export function finderValidation(curves: readonly FinderCurve[], heading: Heading, scale: Scale): TopLevelSpec {
  const x = lrAxis(curves, scale);
  const draw = (key: 'val_loss' | 'val_acc'): Panel => {
    const measured = curves.map((curve) => ({ curve, values: curve[key] ?? [] }));
    const rows = measured.flatMap(({ curve, values }) => rowsOf(curve, { raw: values, line: runningMedian(values) }));
    const values = rows.flatMap((row) => [row.raw, row.line]);
    const accuracy: Y = { title: 'validation accuracy (%)', scale: { domain: extent(values, 0.05) } };
    const y = key === 'val_acc' ? accuracy : validationLossAxis(values);
    const panel: FinderPanel = { curves, x, y, only: 'range' };
    return {
      ...{ width: 1.2 * panelSize.width, height: 1.2 * panelSize.height },
      layer: [
        points(rows, panel),
        lines(rows, panel),
        ...(key === 'val_acc' ? suggestionLayers(panel) : []),
        ...(rows.length === 0 ? [noData] : []),
      ],
    };
  };
  const mean = curves.some(({ seeds }) => seeds.length > 1) ? ', mean of the seeds' : '';
  const explanation = `points: one validation batch after each update${mean}; lines: running median over a tenth of the updates`;
  return chart(withLines(heading, explanation, ...reasons(curves, 'range')), draw('val_loss'), draw('val_acc'));
}

/** Flags above the panel for a single curve, symbols on the lines of several. */
function suggestionLayers(panel: FinderPanel): Layer[] {
  return panel.curves.length === 1 ? flags(panel) : [suggestionMarks(panel)];
}

/** Why methods have no answer, for a single curve; with several there is no room for it. */
function reasons(curves: readonly FinderCurve[], only?: Method): string[] {
  return curves.length === 1 ? unanswered(curves[0]!, only) : [];
}

interface Row {
  label: string;
  lr: number;
  /** The measured value, and the value of the line. */
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

function points(values: Row[], panel: FinderPanel): Layer {
  const encode = encodings(panel);
  return {
    data: { values },
    mark: { type: 'circle', size: values.length < 300 ? 25 : 8, opacity: 1, fillOpacity: 0.25, clip: true },
    encoding: { ...encode, y: encode.y('raw') },
  };
}

function lines(values: Row[], panel: FinderPanel): Layer {
  const encode = encodings(panel);
  return { data: { values }, mark: { type: 'line', clip: true }, encoding: { ...encode, y: encode.y('line') } };
}

function seedBand(curve: FinderCurve, panel: FinderPanel): Layer {
  const encode = encodings(panel);
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
