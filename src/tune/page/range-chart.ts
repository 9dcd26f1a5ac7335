import { chart, palette } from '../../charts/theme.js';
import { thin } from '../../charts/thin.js';
import { runningMedian } from '../../lr-finder/suggestions.js';
import type { FinderRow } from '../../runs/finder-columns.js';
import type { Reading } from '../range.js';

/** A test of one weight decay and seed. */
export interface DrawnTest {
  weight_decay: number;
  seed: number;
  rows: FinderRow[];
  reading: Reading | undefined;
}

const mostPoints = 300;

/** Validation accuracy (its running median) against LR, a line a seed; a dot where it stops rising. */
export function rangeChart(tests: readonly DrawnTest[], chosen: { weight_decay: number; max_lr: number }) {
  const decays = [...new Set(tests.map(({ weight_decay }) => weight_decay))].map(String);
  const lines = tests.flatMap(({ weight_decay, seed, rows }) => {
    const medians = runningMedian(rows.map((row) => row.val_acc));
    const points = rows.map(({ lr }, i) => ({ lr, val_acc: medians[i]!, seed, decay: String(weight_decay) }));
    return thin(points, ['val_acc'], mostPoints);
  });
  const dots = tests.flatMap(({ weight_decay, reading, rows }) =>
    reading ? [{ lr: reading.lr, val_acc: medianAt(rows, reading.lr), decay: String(weight_decay) }] : [],
  );
  const x = { field: 'lr', type: 'quantitative', title: 'learning rate' } as const;
  const y = {
    field: 'val_acc',
    type: 'quantitative',
    title: 'validation accuracy, running median (%)',
    scale: { zero: false },
  } as const;
  const scale = { domain: decays, range: decays.map((_, i) => palette[i]!) };
  const color = { field: 'decay', type: 'nominal', title: 'weight decay', scale } as const;
  return chart(
    {
      title: 'LR range tests',
      subtitle: [
        'a line for each seed, its colour the weight decay; dots: where accuracy stops rising',
        `grey line: the LR taken, ${chosen.max_lr}`,
      ],
    },
    {
      width: 720,
      height: 300,
      layer: [
        {
          data: { values: [{ lr: chosen.max_lr }] },
          mark: { type: 'rule', color: '#999999', strokeWidth: 3 },
          encoding: { x },
        },
        {
          data: { values: lines },
          mark: { type: 'line', strokeWidth: 1.5 },
          encoding: { x, y, color, detail: { field: 'seed' } },
        },
        { data: { values: dots }, mark: { type: 'circle', size: 110, opacity: 1 }, encoding: { x, y, color } },
      ],
    },
  );
}

function medianAt(rows: readonly FinderRow[], lr: number): number {
  return runningMedian(rows.map((row) => row.val_acc))[rows.findIndex((row) => row.lr === lr)]!;
}
