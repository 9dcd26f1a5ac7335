import type { TopLevelSpec } from 'vega-lite';
import type { IterationRow, MetricsRow } from '../runs/columns.js';
import { countAxis, extent, logAxis, lossAxis } from './axes.js';
import { constantMomentum } from './lr-momentum.js';
import { noData } from './marks.js';
import { type Heading, type Panel, palette, panelSize, theme, withLines } from './theme.js';
import { thin } from './thin.js';

/** One run among others. */
export interface OverlaidRun {
  label: string;
  metrics: readonly MetricsRow[];
  iterations: readonly IterationRow[];
}

type Row = Record<'x' | 'y', number> & { set?: string };

interface Axes {
  x: string;
  title: string | string[];
  scale: object;
  axis?: object;
  /** Whether training and validation are told apart. */
  sets?: boolean;
}

const setNames = ['validation', 'training'];

/**
 * Loss, accuracy, learning rate and momentum of several runs, one colour per run: validation solid and training dashed.
 * If the momentum is constant and the same in all runs, the subtitle says so instead.
 */
export function overlay(
  runs: readonly OverlaidRun[],
  heading: Heading,
  lrScale: 'linear' | 'log' = 'linear',
): TopLevelSpec {
  const rows = runs.flatMap(({ metrics }) => metrics);
  const updates = runs.flatMap(({ iterations }) => iterations);
  const loss = lossAxis(
    'loss',
    ...runs.flatMap(({ metrics }) => [metrics.map((row) => row.val_loss), metrics.map((row) => row.train_loss)]),
  );
  const accuracy = extent(
    rows.flatMap((row) => [row.val_acc, row.train_acc]),
    0.05,
  );
  const lrs = updates.map(({ lr }) => lr);
  const lrAxis = lrScale === 'log' ? logAxis(lrs) : { scale: { domain: [0, extent(lrs, 0.05)[1]] } };
  const momenta = updates.map((row) => row.momentum);
  const momentum = { x: 'iteration', title: 'momentum', scale: { domain: extent(momenta, 0.1) } };
  const constant = constantMomentum(updates);
  const { title, subtitle } = constant ? withLines(heading, constant) : heading;
  const positive = lrScale === 'log' ? (row: Row) => row.y > 0 : () => true;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, ...(subtitle && { subtitle }) },
    columns: 2,
    concat: [
      panel(runs, (run) => epochs(run, 'loss'), {
        x: 'epoch',
        sets: true,
        title: loss.title,
        scale: { domain: loss.domain, nice: false },
      }),
      panel(runs, (run) => epochs(run, 'acc'), {
        x: 'epoch',
        sets: true,
        title: 'accuracy (%)',
        scale: { domain: [Math.max(0, accuracy[0]), Math.min(100, accuracy[1])], nice: false },
      }),
      panel(runs, (run) => steps(run, 'lr').filter(positive), { x: 'iteration', title: 'learning rate', ...lrAxis }),
      ...(constant ? [] : [panel(runs, (run) => steps(run, 'momentum'), momentum)]),
    ],
    config: theme,
  };
}

function panel(
  runs: readonly OverlaidRun[],
  rowsOf: (run: OverlaidRun) => Row[],
  { x, title, sets, ...y }: Axes,
): Panel {
  const values = runs.flatMap((run) => rowsOf(run).map((row) => ({ run: run.label, ...row })));
  const labels = runs.map(({ label }) => label);
  const colours = labels.length > palette.length ? { scheme: 'tableau20' as const } : { range: palette };
  const dash = {
    field: 'set',
    type: 'nominal',
    title: null,
    legend: { symbolType: 'stroke' },
    scale: {
      domain: setNames,
      range: [
        [1, 0],
        [5, 4],
      ],
    },
  } as const;
  return {
    ...panelSize,
    layer: [
      {
        data: { values },
        mark: { type: 'line', clip: true, point: values.length <= 20 * runs.length },
        encoding: {
          x: { field: 'x', type: 'quantitative', title: x, ...countAxis(values.map((row) => row.x)) },
          y: { field: 'y', type: 'quantitative', title, ...y },
          color: {
            field: 'run',
            type: 'nominal',
            title: null,
            scale: { domain: labels, ...colours },
            legend: { columns: 1, symbolType: 'stroke', labelLimit: 400 },
          },
          ...(sets && { strokeDash: dash }),
        },
      },
      ...(values.length === 0 ? [noData] : []),
    ],
  };
}

function epochs({ metrics }: OverlaidRun, what: 'loss' | 'acc'): Row[] {
  return (['val', 'train'] as const).flatMap((set, i) => {
    const finite = metrics.filter((row) => Number.isFinite(row[`${set}_${what}`]));
    return thin(finite, [`${set}_${what}`], 500).map((row) => ({
      x: row.epoch,
      y: row[`${set}_${what}`],
      set: setNames[i]!,
    }));
  });
}

function steps({ iterations }: OverlaidRun, what: 'lr' | 'momentum'): Row[] {
  return thin(iterations, [what], 500).map((row) => ({ x: row.iteration, y: row[what] }));
}
