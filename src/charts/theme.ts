import type { Config, TopLevelSpec } from 'vega-lite';

/** The heading of a chart: the name of the run or config, and lines below it. */
export interface Heading {
  title: string;
  subtitle?: string | string[];
}

/** One element of a panel. */
export type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

/** One set of axes with what is drawn in it. */
export type Panel = Extract<TopLevelSpec, { hconcat: unknown }>['hconcat'][number];

/** Okabe and Ito's colours, which colour-blind readers can tell apart too (https://jfly.uni-koeln.de/color/). */
export const palette = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'];

/** Size of one panel, in pixels before the scale factor of the PNG. */
export const panelSize = { width: 360, height: 240 };

/** Size of a panel that is alone. */
export const widePanel = { width: 1.5 * panelSize.width, height: 1.5 * panelSize.height };

const ink = '#222222';

/** The style of every chart. */
export const theme: Config = {
  font: 'Roboto',
  background: 'white',
  padding: 12,
  view: { stroke: '#bbbbbb' },
  concat: { spacing: 36 },
  range: { category: palette },
  title: {
    anchor: 'start',
    fontSize: 16,
    fontWeight: 'normal',
    color: ink,
    subtitleFontSize: 12,
    subtitleColor: '#555555',
    subtitlePadding: 4,
    offset: 12,
  },
  axis: {
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: 'normal',
    titlePadding: 8,
    titleColor: ink,
    labelColor: ink,
    gridColor: '#e8e8e8',
    domainColor: '#888888',
    tickColor: '#888888',
    tickCount: 6,
    labelOverlap: true,
    labelFlush: false,
  },
  legend: {
    labelFontSize: 12,
    labelColor: ink,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    orient: 'top',
    offset: 10,
  },
  text: { fontSize: 12, color: ink },
  line: { strokeWidth: 2, strokeCap: 'round', strokeJoin: 'round' },
};

/** The panels side by side under one heading. */
export function chart({ title, subtitle }: Heading, ...panels: Panel[]): TopLevelSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, ...(subtitle && { subtitle }) },
    hconcat: panels,
    config: theme,
  };
}

/** The heading with more lines in its subtitle. */
export function withLines({ title, subtitle = [] }: Heading, ...lines: string[]): Heading {
  return { title, subtitle: [subtitle, lines].flat() };
}
