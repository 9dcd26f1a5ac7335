import { expect, it } from 'vitest';
import { renderPng } from '../../charts/render.js';
import type { FinderRow } from '../../runs/finder-columns.js';
import { type DrawnTest, rangeChart } from './range-chart.js';

/** 100 updates at `accuracy` percent; accuracy stops rising at `lr`. */
const test = (weight_decay: number, seed: number, accuracy: number, lr?: number): DrawnTest => ({
  ...{ weight_decay, seed },
  rows: Array.from({ length: 100 }, (_, i) => ({ lr: (i + 1) / 100, val_acc: accuracy }) as FinderRow),
  reading: lr === undefined ? undefined : { lr, peak: accuracy, error: 1 },
});

const valuesOf = (tests: DrawnTest[]) => {
  const spec = rangeChart(tests, { weight_decay: 0.001, max_lr: 0.4 });
  const [panel] = (spec as unknown as { hconcat: { layer: { data: { values: object[] } }[] }[] }).hconcat;
  return { spec, values: panel!.layer.slice(0, 4).map(({ data }) => data.values) };
};

it('draws per weight decay the mean over the seeds, their range, and where accuracy stops rising for all', async () => {
  const tests = [test(0.001, 1, 50, 0.2), test(0.001, 2, 54, 0.8), test(0.01, 1, 40, 0.5), test(0.01, 2, 10)];
  const { spec, values } = valuesOf(tests);
  const [bands, lines, chosen, dots] = values;
  expect([bands!.length, lines!.length, chosen!.length]).toEqual([200, 200, 100]);
  expect(chosen![0]).toEqual({ lr: 0.01, mean: 52, low: 50, high: 54, decay: '0.001' });
  expect(dots).toEqual([expect.objectContaining({ lr: 0.4, decay: '0.001' })]); // the geometric mean
  expect(JSON.stringify(spec)).toContain('chosen: 0.4');
  expect((await renderPng(spec)).length).toBeGreaterThan(1000);
});

it('draws an empty list of tests without an error', async () => {
  expect((await renderPng(valuesOf([]).spec)).length).toBeGreaterThan(1000);
});
