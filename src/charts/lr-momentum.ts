import type { TopLevelSpec } from 'vega-lite';
import type { IterationRow } from '../runs/columns.js';
import { countAxis, extent, logAxis } from './axes.js';
import { noData, verticalMark } from './marks.js';
import { chart, type Heading, type Layer, type Panel, palette, panelSize, widePanel, withLines } from './theme.js';
import { thin } from './thin.js';

/** A row of iterations.csv; without a loss if the schedule was not trained. */
export type ScheduleRow = Omit<IterationRow, 'loss'> & Partial<Pick<IterationRow, 'loss'>>;

/** How the charts over updates are drawn. */
export interface RunChartOptions {
  lrScale?: 'linear' | 'log' | undefined;
  /** The update at which the run diverged, marked by a line. */
  diverged?: IterationRow | undefined;
}

/**
 * Learning rate and momentum over iterations, two panels side by side with the same x, epochs along the top. A constant
 * momentum has no panel: the subtitle names it.
 */
export function lrMomentum(
  rows: readonly ScheduleRow[],
  heading: Heading,
  { lrScale = 'linear', diverged }: RunChartOptions = {},
): TopLevelSpec {
  const lrs = rows.map((row) => row.lr);
  const lrAxis = lrScale === 'log' ? logAxis(lrs) : { scale: { domain: [0, extent(lrs, 0.05)[1]] } };
  const lr = { field: 'lr', title: 'learning rate', ...lrAxis } as const;
  const constant = constantMomentum(rows);
  if (constant) return chart(withLines(heading, constant), panel(rows, lr, palette[0]!, diverged, widePanel));
  const domain = extent(
    rows.map((row) => row.momentum),
    0.1,
  );
  const momentum = { field: 'momentum', title: 'momentum', scale: { domain } } as const;
  return chart(heading, panel(rows, lr, palette[0]!, diverged), panel(rows, momentum, palette[1]!, diverged));
}

/** "momentum 0.95, constant"; undefined: it changes, or there is none. */
export function constantMomentum(rows: readonly Pick<ScheduleRow, 'momentum'>[]): string | undefined {
  const momentum = rows[0]?.momentum;
  const constant = momentum !== undefined && rows.every((row) => row.momentum === momentum);
  return constant ? `momentum ${momentum}, constant` : undefined;
}

function panel(
  rows: readonly ScheduleRow[],
  y: { field: 'lr' | 'momentum'; title: string; scale: { type?: 'log'; domain: number[] }; axis?: object },
  color: string,
  diverged: IterationRow | undefined,
  size = panelSize,
): Panel {
  const x = countAxis(rows.map((row) => row.iteration));
  const drawn = rows.filter((row) => row[y.field] > 0 || y.scale.type !== 'log');
  const values = thin(drawn, [y.field], 1000).map((row) => ({ iteration: row.iteration, [y.field]: row[y.field] }));
  const line: Layer = {
    data: { values },
    mark: { type: 'line', color, point: drawn.length === 1 ? { color } : false },
    encoding: {
      x: { field: 'iteration', type: 'quantitative', title: 'iteration', ...x },
      y: { type: 'quantitative', ...y },
    },
  };
  const layer: Layer[] = [line];
  const markAt = y.field === 'lr' ? size.height - 12 : 12; // the momentum is mostly low there, the LR high
  if (diverged)
    layer.push(verticalMark(diverged.iteration, `diverged at ${diverged.iteration} `, x.scale.domain, markAt));
  if (drawn.length === 0) layer.push(noData);
  return {
    ...size,
    layer: [{ layer }, ...epochAxis(rows, x.scale.domain)],
    resolve: { scale: { x: 'independent' } },
  };
}

/** An axis along the top, in epochs, if the rows show how many iterations one has. */
function epochAxis(rows: readonly ScheduleRow[], iterations: readonly number[]): Layer[] {
  const last = rows[rows.findIndex((row) => row.epoch === 2) - 1]; // of the first epoch
  if (!last) return [];
  const domain = iterations.map((iteration) => iteration / (last.iteration + 1));
  return [
    {
      data: { values: domain.map((epoch) => ({ epoch })) },
      mark: { type: 'point', opacity: 0 },
      encoding: {
        x: {
          field: 'epoch',
          type: 'quantitative',
          title: 'epoch',
          axis: { orient: 'top', grid: false },
          scale: { domain, nice: false },
        },
      },
    },
  ];
}
