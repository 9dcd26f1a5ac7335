import type { TopLevelSpec } from 'vega-lite';
import type { Group } from '../lr-finder/curves.js';
import { type Method, runningMedian, type Suggestion } from '../lr-finder/suggestions.js';
import { extent, logAxis, lossAxis } from './axes.js';
import { noData } from './marks.js';
import { chart, type Heading, type Layer, type Panel, palette, panelSize } from './theme.js';
import { thin } from './thin.js';

/** One combination of hyperparameters, its name in the legend and what the methods made of it. */
export interface FinderCurve extends Group {
  label: string;
  suggestions: Suggestion[];
}

type Scale = 'linear' | 'exponential';
type Answer = Extract<Suggestion, { max_lr: number }>;

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
  const y: Y = { title, domain: [bottom - 0.05 * (domain[1] - bottom), domain[1]] }; // not from 0: a dip is shallow
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
  return chart({ ...heading, subtitle: [heading.subtitle ?? [], explanation].flat() }, { ...size, layer });
}

/** Loss and accuracy on one validation batch after each update, against learning rate, two panels. */
export function finderValidation(curves: readonly FinderCurve[], heading: Heading, scale: Scale): TopLevelSpec {
  const x = lrAxis(curves, scale);
  const panel = (key: 'val_loss' | 'val_acc', title: string): Panel => {
    const measured = curves.map((curve) => ({ curve, values: curve[key] ?? [] }));
    const rows = measured.flatMap(({ curve, values }) => rowsOf(curve, { raw: values, line: runningMedian(values) }));
    const values = rows.flatMap((row) => [row.raw, row.line]);
    const y = key === 'val_acc' ? { title, domain: extent(values, 0.05) } : lossAxis(title, values);
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
  return chart(
    { ...heading, subtitle: [heading.subtitle ?? [], explanation].flat() },
    panel('val_loss', 'validation loss'),
    panel('val_acc', 'validation accuracy (%)'),
  );
}

interface Row {
  label: string;
  lr: number;
  /** As measured, and what the line goes through. */
  raw: number;
  line: number;
}
interface X {
  scale: { domain: [number, number] };
  axis?: object;
}
interface Y {
  title: string;
  domain: [number, number];
}

function rowsOf({ label, lr }: FinderCurve, { raw, line }: { raw: readonly number[]; line: readonly number[] }): Row[] {
  const rows = raw.map((value, i) => ({ label, lr: lr[i]!, raw: value, line: line[i]! }));
  return thin(
    rows.filter((row) => Number.isFinite(row.raw) && Number.isFinite(row.line)),
    ['raw', 'line'],
    1000,
  );
}

/** The axis that the test was made on, with room for every suggestion. */
function lrAxis(curves: readonly FinderCurve[], scale: Scale): X {
  const lrs = curves.flatMap((curve) => [...curve.lr, ...answers(curve).map((answer) => answer.max_lr)]);
  return scale === 'linear' ? { scale: { domain: extent(lrs, 0.02) } } : logAxis(lrs);
}

function answers({ suggestions }: FinderCurve, only?: Method): Answer[] {
  return suggestions.filter((s): s is Answer => 'max_lr' in s && (only === undefined || s.method === only));
}

function encodings(curves: readonly FinderCurve[], x: X, { title, domain }: Y) {
  const labels = curves.map((curve) => curve.label);
  const columns = labels.some((label) => label.length > 20) ? 2 : 3;
  const legend = curves.length > 1 ? { symbolType: 'stroke', symbolOpacity: 1, columns, labelLimit: 300 } : null;
  return {
    x: { field: 'lr', type: 'quantitative', title: 'learning rate', ...x, scale: { ...x.scale, nice: false } },
    y: (field: string) => ({ field, type: 'quantitative', title, scale: { domain, nice: false } }) as const,
    color: {
      field: 'label',
      type: 'nominal',
      title: null,
      legend,
      scale: { domain: labels, range: colours(labels.length) },
    },
  } as const;
}

/** The palette, and from the beginning again where it is too short. */
function colours(count: number): string[] {
  return Array.from({ length: count }, (_, i) => palette[i % palette.length]!);
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

/** Each suggestion of each curve as a symbol on the curve's line, or at the height of its start if the LR is below that. */
function suggestionMarks(curves: readonly FinderCurve[], x: X, y: Y, only?: Method): Layer {
  const encode = encodings(curves, x, y);
  const values = curves.flatMap((curve) => {
    const line = only ? runningMedian(curve.val_acc ?? []) : curve.smoothed;
    const height = (lr: number) =>
      line[
        Math.max(
          0,
          curve.lr.findLastIndex((value) => value <= lr * (1 + 1e-9)),
        )
      ];
    return answers(curve, only).map(({ method, max_lr }) => ({
      ...{ label: curve.label, method: markNames[method] },
      ...{ lr: max_lr, line: height(max_lr) },
    }));
  });
  const domain = only ? [markNames[only]] : Object.values(markNames);
  const range = only ? ['diamond'] : ['circle', 'triangle-down', 'square', 'diamond'];
  return {
    data: { values },
    mark: { type: 'point', filled: true, size: 90, opacity: 1, stroke: 'white', strokeWidth: 1 },
    encoding: {
      ...encode,
      y: encode.y('line'),
      shape: { field: 'method', type: 'nominal', title: null, legend: { orient: 'bottom' }, scale: { domain, range } },
    },
  };
}

const markNames: Record<Method, string> = {
  'minimum/10': 'minimum/10',
  steepest: 'steepest',
  valley: 'valley',
  range: 'max_lr of the range',
};

const rowHeight = 17;

/**
 * A dashed line for each suggestion that goes on above the panel, to a row of its own with the method and the LR: the line
 * nearest to the side that the texts run from is the longest, so that none crosses a text. The range is shaded as well.
 */
function flags(curve: FinderCurve, x: X, only?: Method): Layer[] {
  const shown = answers(curve, only);
  const [low, high] = x.scale.domain.map((lr) => (x.axis ? Math.log(lr) : lr)) as [number, number];
  const position = (lr: number) => ((x.axis ? Math.log(lr) : lr) - low) / (high - low);
  const places = shown.map((answer) => position(answer.max_lr));
  const leftwards = places.length > 0 && Math.min(...places) > 1 - Math.max(...places);
  const ordered = shown.toSorted((a, b) => (leftwards ? a.max_lr - b.max_lr : b.max_lr - a.max_lr));
  const range = shown.find(({ method }) => method === 'range');
  return [...(range ? [shade(range, x)] : []), ...ordered.map((answer, row) => flag(answer, row, leftwards))];
}

function flag({ method, max_lr, base_lr }: Answer, row: number, leftwards: boolean): Layer {
  const text = `${method}: ${base_lr === undefined ? '' : `${digits(base_lr)} to `}${digits(max_lr)}`;
  const top = -10 - row * rowHeight;
  const side = leftwards ? ({ align: 'right', dx: -4 } as const) : ({ align: 'left', dx: 4 } as const);
  return {
    data: { values: [{}] },
    encoding: { x: { datum: max_lr } },
    layer: [
      {
        mark: { type: 'rule', strokeDash: [4, 3], color: '#666666' },
        encoding: { y: { value: top - 6 }, y2: { value: 'height' } },
      },
      { mark: { type: 'text', text, baseline: 'middle', ...side }, encoding: { y: { value: top } } },
    ],
  };
}

/** From base_lr, or where the axis starts, to max_lr. */
function shade({ base_lr, max_lr }: Answer, { scale }: X): Layer {
  return {
    data: { values: [{}] },
    mark: { type: 'rect', color: palette[4]!, opacity: 0.1 },
    encoding: { x: { datum: Math.max(base_lr ?? max_lr, scale.domain[0]) }, x2: { datum: max_lr } },
  };
}

const digits = (lr: number) => String(Number(lr.toPrecision(2)));
