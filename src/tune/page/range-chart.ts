import { verticalMark } from '../../charts/marks.js';
import { chart, palette } from '../../charts/theme.js';
import { thin } from '../../charts/thin.js';
import { runningMedian } from '../../lr-finder/suggestions.js';
import type { FinderRow } from '../../runs/finder-columns.js';
import { mean } from '../../statistics/statistics.js';
import type { Reading } from '../range.js';

/** A test of one weight decay and seed. */
export interface DrawnTest {
  weight_decay: number;
  seed: number;
  rows: FinderRow[];
  reading: Reading | undefined;
}

const maxPoints = 300;

/**
 * Validation accuracy (its running median) against LR, per weight decay: the mean over the seeds, a band from their
 * lowest to their highest, and a dot where accuracy stops rising, if it does for each seed.
 */
export function rangeChart(tests: readonly DrawnTest[], chosen: { weight_decay: number; max_lr: number }) {
  const decays = [...new Set(tests.map(({ weight_decay }) => weight_decay))];
  const curves = decays.map((weight_decay) => {
    const own = tests.filter((test) => test.weight_decay === weight_decay);
    const points = meanCurve(own.map(({ rows }) => rows)).map((point) => ({ ...point, decay: String(weight_decay) }));
    const stop = Math.exp(mean(own.map(({ reading }) => Math.log(reading?.lr ?? Number.NaN))));
    return { points: thin(points, ['mean'], maxPoints), dot: points.find(({ lr }) => lr >= stop) };
  });
  const lines = curves.flatMap(({ points }) => points);
  const domain: [number, number] = [0, 1.02 * Math.max(chosen.max_lr, ...lines.map(({ lr }) => lr))];
  const x = { field: 'lr', type: 'quantitative', title: 'learning rate', scale: { domain, nice: false } } as const;
  const title = ['validation accuracy (%),', 'running median over validation batches'];
  const y = { type: 'quantitative', title, scale: { zero: false } } as const;
  const scale = { domain: decays.map(String), range: decays.map((_, i) => palette[i]!) };
  const legend = { symbolOpacity: 1, symbolType: 'stroke' } as const;
  const color = { field: 'decay', type: 'nominal', title: 'weight decay', scale, legend } as const;
  const encoding = { x, y: { field: 'mean', ...y }, color };
  const thick = lines.filter(({ decay }) => decay === String(chosen.weight_decay));
  return chart(
    {
      title: 'LR range tests',
      subtitle: [
        'line: the mean over the seeds; band: from the lowest to the highest seed; dot: where accuracy stops rising',
        `thick line: the weight decay chosen, ${chosen.weight_decay}`,
      ],
    },
    {
      width: 720,
      height: 300,
      layer: [
        {
          data: { values: lines },
          mark: { type: 'area', opacity: 0.2 },
          encoding: { x, y: { field: 'low', ...y }, y2: { field: 'high' }, color },
        },
        { data: { values: lines }, mark: { type: 'line', strokeWidth: 1.5 }, encoding },
        { data: { values: thick }, mark: { type: 'line', strokeWidth: 3.5 }, encoding },
        {
          data: { values: curves.flatMap(({ dot }) => dot ?? []) },
          mark: { type: 'circle', size: 110, opacity: 1 },
          encoding,
        },
        verticalMark(chosen.max_lr, `chosen: ${chosen.max_lr}`, domain),
      ],
    },
  );
}

/** Over the seeds, update by update to the end of the shortest test; the LRs of all seeds are the same. */
function meanCurve(seeds: readonly FinderRow[][]) {
  const medians = seeds.map((rows) => runningMedian(rows.map((row) => row.val_acc)));
  const updates = Math.min(...seeds.map((rows) => rows.length));
  return seeds[0]!.slice(0, updates).map(({ lr }, i) => {
    const values = medians.map((median) => median[i]!);
    return { lr, mean: mean(values), low: Math.min(...values), high: Math.max(...values) };
  });
}
