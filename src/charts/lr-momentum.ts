import type { TopLevelSpec } from 'vega-lite';
import type { IterationRow } from '../results/metrics.js';
import { extent } from './axes.js';
import { firstDiverged, noData, verticalMark } from './marks.js';
import { chart, type Heading, type Layer, type Panel, palette, panelSize } from './theme.js';
import { thin } from './thin.js';

/** A row of iterations.csv; without a loss where a schedule is drawn that was not trained. */
export type ScheduleRow = Omit<IterationRow, 'loss'> & Partial<Pick<IterationRow, 'loss'>>;

/** Learning rate and momentum over iterations, two panels side by side with the same x, epochs along the top. */
export function lrMomentum(
  rows: readonly ScheduleRow[],
  heading: Heading,
  { lrScale = 'linear' }: { lrScale?: 'linear' | 'log' } = {},
): TopLevelSpec {
  const lrs = rows.map((row) => row.lr);
  const lrDomain = lrScale === 'log' ? extent(lrs.filter((lr) => lr > 0)) : [0, extent(lrs)[1] * 1.05];
  const momentumDomain = extent(
    rows.map((row) => row.momentum),
    0.1,
  );
  return chart(
    heading,
    panel(rows, 'lr', 'learning rate', { type: lrScale, domain: lrDomain }, palette[0]!),
    panel(rows, 'momentum', 'momentum', { domain: momentumDomain, zero: false }, palette[1]!),
  );
}

function panel(
  rows: readonly ScheduleRow[],
  field: 'lr' | 'momentum',
  title: string,
  scale: { type?: 'linear' | 'log'; domain: number[]; zero?: false },
  color: string,
): Panel {
  const drawn = rows.filter((row) => Number.isFinite(row[field]) && (scale.type !== 'log' || row[field] > 0));
  const domain = extent(
    rows.map((row) => row.iteration),
    rows.length > 1 ? 0 : 1,
  );
  const line: Layer = {
    data: { values: thin(drawn, [field]).map((row) => ({ iteration: row.iteration, [field]: row[field] })) },
    mark: { type: 'line', color, point: drawn.length === 1 ? { color } : false },
    encoding: {
      x: { field: 'iteration', type: 'quantitative', title: 'iteration', scale: { domain, nice: false } },
      y: { field, type: 'quantitative', title, scale },
    },
  };
  const diverged = firstDiverged(rows, 'loss');
  const layer: Layer[] = [line];
  if (diverged) layer.push(verticalMark(diverged.iteration, `diverged at ${diverged.iteration}`, domain));
  if (drawn.length === 0) layer.push(noData);
  return { ...panelSize, layer: [{ layer }, ...epochAxis(rows, domain)], resolve: { scale: { x: 'independent' } } };
}

/** An axis along the top, in epochs, if the rows tell how many iterations one has. */
function epochAxis(rows: readonly ScheduleRow[], domain: readonly [number, number]): Layer[] {
  const second = rows.find((row) => row.epoch === 2);
  if (!second) return [];
  return [
    {
      data: { values: domain.map((iteration) => ({ epoch: iteration / second.iteration })) },
      mark: { type: 'point', opacity: 0 },
      encoding: {
        x: {
          field: 'epoch',
          type: 'quantitative',
          title: 'epoch',
          axis: { orient: 'top', grid: false },
          scale: { domain: domain.map((iteration) => iteration / second.iteration), nice: false },
        },
      },
    },
  ];
}
