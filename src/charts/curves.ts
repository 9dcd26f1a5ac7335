import type { TopLevelSpec } from 'vega-lite';
import type { MetricsRow } from '../runs/columns.js';
import { countAxis, extent, lossAxis } from './axes.js';
import { noData, verticalMark } from './marks.js';
import { chart, type Heading, type Panel, palette, panelSize } from './theme.js';
import { thin } from './thin.js';

const sets = { train: 'training', val: 'validation' } as const;

/** Loss and accuracy of training and validation set over epochs, in two panels. `diverged`: the epoch to mark. */
export function curves(rows: readonly MetricsRow[], heading: Heading, diverged?: number): TopLevelSpec {
  const losses = lossAxis(
    'loss',
    rows.map((row) => row.train_loss),
    rows.map((row) => row.val_loss),
  );
  const accuracies = extent(
    rows.flatMap((row) => [row.train_acc, row.val_acc]),
    0.05,
  );
  return chart(
    heading,
    panel(rows, diverged, 'loss', losses.title, losses.domain),
    panel(rows, diverged, 'acc', 'accuracy (%)', [Math.max(0, accuracies[0]), Math.min(100, accuracies[1])]),
  );
}

function panel(
  rows: readonly MetricsRow[],
  diverged: number | undefined,
  what: 'loss' | 'acc',
  title: string | string[],
  y: [number, number],
): Panel {
  const x = countAxis([...rows.map((row) => row.epoch), diverged ?? 0]); // the epoch that it ended in has no row
  const values = [...series(rows, 'train', what), ...series(rows, 'val', what)];
  const color = { domain: Object.values(sets), range: palette.slice(0, 2) };
  return {
    ...panelSize,
    layer: [
      {
        data: { values },
        mark: { type: 'line', clip: true, point: rows.length <= 20 },
        encoding: {
          x: { field: 'epoch', type: 'quantitative', title: 'epoch', ...x },
          y: { field: what, type: 'quantitative', title, scale: { domain: y, nice: false } },
          color: { field: 'set', type: 'nominal', title: null, scale: color },
        },
      },
      ...(diverged ? [verticalMark(diverged, `diverged in epoch ${diverged}`, x.scale.domain)] : []),
      ...(values.length === 0 ? [noData] : []),
    ],
  };
}

function series(rows: readonly MetricsRow[], set: keyof typeof sets, what: 'loss' | 'acc') {
  const finite = rows.filter((row) => Number.isFinite(row[`${set}_${what}`]));
  return thin(finite, [`${set}_${what}`]).map((row) => ({
    epoch: row.epoch,
    set: sets[set],
    [what]: row[`${set}_${what}`],
  }));
}
