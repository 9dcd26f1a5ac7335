import sharp from 'sharp';
import type { TopLevelSpec } from 'vega-lite';
import { expect, test, vi } from 'vitest';
import type { IterationRow, MetricsRow } from '../runs/columns.js';
import { curves } from './curves.js';
import { lossVsLr } from './loss-vs-lr.js';
import { lrMomentum } from './lr-momentum.js';
import { renderPng } from './render.js';

const heading = { title: 'a run', subtitle: 'seed 1' };

/** A triangle of the LR over 60 updates, ten per epoch, and one of the momentum. */
const iterations: IterationRow[] = Array.from({ length: 60 }, (_, iteration) => ({
  iteration,
  epoch: 1 + Math.floor(iteration / 10),
  lr: 1 - Math.abs(iteration - 30) / 31,
  momentum: 0.85 + Math.abs(iteration - 30) / 300,
  loss: 2.3 * 0.95 ** iteration,
}));

const epochs: MetricsRow[] = [1, 2, 3].map((epoch) => ({
  ...{ epoch, iteration: 10 * epoch, lr: 0.1, momentum: 0.9, seconds: 1, images_per_second: 1000 },
  ...{ train_loss: 2 / epoch, train_acc: 20 * epoch, val_loss: 2.1 / epoch, val_acc: 19 * epoch },
}));

const charts: Record<string, (count: number, diverged: boolean) => TopLevelSpec> = {
  'lr-momentum': (count, diverged) => lrMomentum(...lossy(count, diverged, Number.NaN)),
  'lr-momentum, log': (count, diverged) => lrMomentum(...lossy(count, diverged, Infinity, 'log')),
  'loss-vs-lr': (count, diverged) => lossVsLr(...lossy(count, diverged, 1e30)), // above max_loss
  'loss-vs-lr, log': (count, diverged) => lossVsLr(...lossy(count, diverged, Infinity, 'log')),
  curves: (count, diverged) =>
    curves(
      cut(epochs, count, diverged, { train_loss: Number.NaN, val_acc: Number.NaN }),
      heading,
      diverged ? 2 : undefined,
    ),
};

/** The first `count` rows of the run, the last of them that of a divergence if asked. */
function lossy(count: number, diverges: boolean, loss: number, lrScale?: 'log') {
  const rows = cut(iterations, count, diverges, { loss });
  return [rows, heading, { lrScale, diverged: diverges ? rows.at(-1) : undefined }] as const;
}

function cut<Row>(rows: readonly Row[], count: number, diverged: boolean, last: Partial<Row>): Row[] {
  const first = rows.slice(0, count);
  return diverged ? [...first.slice(0, -1), { ...first.at(-1)!, ...last }] : first;
}

test.each(Object.keys(charts))(
  '%s draws no row, one row, all rows and a diverged run without a warning',
  async (name) => {
    const warn = vi.spyOn(console, 'warn');
    const cases = [0, 1, 60].flatMap((count) =>
      [false, true].map((diverged) => [count, diverged && count > 0] as const),
    );
    for (const [count, diverged] of cases) {
      const spec = charts[name]!(count, diverged);
      const text = JSON.stringify(spec);
      if (!diverged) expect(text.includes('no data')).toBe(count === 0);
      expect(text.includes('"diverged ')).toBe(diverged);
      expect(text).not.toMatch(/"(lr|momentum|loss|smoothed|acc)":null/);
      const { width, height } = await sharp(await renderPng(spec)).metadata();
      expect(width).toBeGreaterThan(1000);
      expect(height).toBeGreaterThan(500);
    }
    expect(warn).not.toHaveBeenCalled();
  },
);

test('an LR cycle gives a rising and a falling stretch, a plateau no stretch of its own', () => {
  const held = iterations.map((row) => ({ ...row, lr: Math.min(row.lr, 0.8) }));
  const text = JSON.stringify(lossVsLr(held, heading));
  expect(new Set(text.match(/"direction":"[^"]*","stretch":\d/g))).toEqual(
    new Set(['"direction":"rising LR","stretch":0', '"direction":"falling LR","stretch":1']),
  );
  expect(text).not.toContain('constant LR');
});

test('the epochs along the top are iterations divided by the iterations of one epoch', () => {
  expect(JSON.stringify(lrMomentum(iterations, heading))).toContain('{"epoch":6.018}'); // 1.02 * 59 / 10
});

test('a constant momentum has a line in the subtitle instead of a panel', () => {
  const constant = lrMomentum(
    iterations.map((row) => ({ ...row, momentum: 0.95 })),
    heading,
  );
  expect(constant).toMatchObject({ title: { subtitle: ['seed 1', 'momentum 0.95, constant'] }, hconcat: [{}] });
  expect(lrMomentum(iterations, heading)).toMatchObject({ title: { subtitle: 'seed 1' }, hconcat: [{}, {}] });
});

test('a long run does not make a large spec', () => {
  const long = Array.from({ length: 100_000 }, (_, i) => ({ ...iterations[i % 60]!, iteration: i, epoch: 1 }));
  for (const spec of [lossVsLr(long, heading), lrMomentum(long, heading)])
    expect(JSON.stringify(spec).length).toBeLessThan(400_000);
});
