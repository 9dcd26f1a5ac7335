import type { TopLevelSpec } from 'vega-lite';

/** One point of a line chart. `low` and `high` bound the band of a mean. */
export interface Point {
  arm: string;
  /** The line that the point belongs to. */
  run: string;
  x: number;
  y: number;
  /** The point's position on its line: a cycle passes each LR twice. */
  order: number;
  low?: number;
  high?: number;
}

export interface LineChart {
  x: string;
  y: string;
  /** A line below the title of the y axis. */
  note?: string | undefined;
  /** Whether x counts something, so that its ticks are whole numbers. */
  counts: boolean;
  /** The ends of the y axis; by default those of the points. */
  domain?: [number, number] | undefined;
  /** Whether points have bands. */
  bands: boolean;
  /** The colour of each arm. */
  colours: Map<string, string>;
}

const fewPoints = 20; // per line: each is marked, since a line of a single one is invisible

/** A line per run over `x`: the wheel zooms, dragging moves, double click resets; the nearest point shows its value. */
export function lineChart(
  { x, y, note, counts, domain, bands, colours }: LineChart,
  points: readonly Point[],
): TopLevelSpec {
  const color = {
    field: 'arm',
    type: 'nominal',
    legend: null, // the page has its own, which hides arms
    scale: { domain: [...colours.keys()], range: [...colours.values()] },
  } as const;
  const horizontal = {
    field: 'x',
    type: 'quantitative',
    title: x,
    scale: { zero: false, nice: false },
    axis: counts ? { tickMinStep: 1, format: 'd' } : {},
  } as const;
  const vertical = {
    type: 'quantitative',
    title: note ? [y, note] : y,
    scale: domain ? { domain, nice: false } : { zero: false, padding: 4 },
    axis: { format: '~r' },
  } as const;
  const common = { x: horizontal, color, detail: { field: 'run' } } as const;
  const hovered = { param: 'hover', empty: false } as const;
  const band = {
    transform: domain ? [{ filter: `datum.y <= ${domain[1]}` }] : [], // an exploded mean has a band over everything
    mark: { type: 'area', opacity: 0.2, clip: true },
    encoding: { ...common, y: { field: 'low', ...vertical }, y2: { field: 'high' } },
  } as const;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 'container',
    height: 260,
    autosize: { type: 'fit', contains: 'padding' },
    data: { name: 'rows', values: [...points] },
    layer: [
      ...(bands ? [band] : []),
      {
        params: [{ name: 'zoom', select: 'interval', bind: 'scales' }],
        mark: { type: 'line', clip: true, strokeWidth: 1.8, strokeJoin: 'round' },
        encoding: { ...common, y: { field: 'y', ...vertical }, order: { field: 'order' } },
      },
      {
        params: [{ name: 'hover', select: { type: 'point', on: 'pointerover', clear: 'pointerout', nearest: true } }],
        transform: [{ joinaggregate: [{ op: 'count', as: 'points' }], groupby: ['run'] }],
        mark: { type: 'point', filled: true, clip: true },
        encoding: {
          ...common,
          y: { field: 'y', ...vertical },
          opacity: {
            condition: [
              { ...hovered, value: 1 },
              { test: `datum.points <= ${fewPoints}`, value: 1 },
            ],
            value: 0,
          },
          size: { condition: { ...hovered, value: 60 }, value: 25 },
          tooltip: [
            { field: 'run', title: 'run' },
            { field: 'x', title: x, format: '.5~g' },
            { field: 'y', title: y, format: '.5~g' },
          ],
        },
      },
    ],
  };
}

/** Colours of axes and grid on a light and on a dark page; the background is the page's. */
export function themeConfig(dark: boolean): object {
  const [ink, faint, grid] = dark ? ['#d8d8d8', '#8a8a8a', '#3a3d42'] : ['#222222', '#888888', '#e8e8e8'];
  return {
    background: 'transparent',
    font: 'Roboto, Helvetica, Arial, sans-serif',
    view: { stroke: grid },
    axis: {
      labelColor: ink,
      titleColor: ink,
      gridColor: grid,
      domainColor: faint,
      tickColor: faint,
      labelFontSize: 12,
      titleFontSize: 13,
      titleFontWeight: 'normal',
      tickCount: 6,
      labelOverlap: true,
    },
  };
}

/** First Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), black as the page's ink; then even hues. */
export function coloursOf(arms: readonly string[], dark: boolean): Map<string, string> {
  const safe = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', dark ? '#eeeeee' : '#000000'];
  const hue = (i: number) => `hsl(${Math.round((i * 360) / Math.max(1, arms.length - safe.length))}, 55%, 50%)`;
  return new Map(arms.map((arm, i) => [arm, safe[i] ?? hue(i - safe.length)]));
}
