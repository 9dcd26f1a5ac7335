import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { renderPng } from '../../charts/render.js';
import type { MetricsRow } from '../../runs/columns.js';
import { readRuns } from '../../runs/read-runs.js';
import type { Metric } from '../../runs/scores.js';
import { writeRunFolder } from '../../testing/run-files.js';
import { type Comparison, compare } from '../comparison.js';
import { readCurves } from '../read-curves.js';
import type { Row } from '../row.js';
import { compareChart } from './charts.js';
import { compareCurves } from './curves.js';
import { compareDots } from './dots.js';

interface Drawn {
  layer: { data: { values: Record<string, unknown>[] }; encoding: Record<'x' | 'y', Axis> }[];
}
interface Axis {
  title: string | string[];
  scale: { domain: [number, number] };
}

const row = (config: string, scores: number[], metric: Metric = 'val_acc') =>
  ({
    config,
    n: scores.length,
    missing: {},
    runs: scores.map((score) => ({ scores: { [metric]: score } })),
  }) as unknown as Row;

function dots(rows: Row[], metric: Metric = 'val_acc') {
  const { layer } = compareDots(rows, metric, {}) as unknown as Drawn;
  const [intervals, means, seeds, arrows, , , beyond] = layer.map(({ data }) => data.values);
  const { scale, title } = layer[0]!.encoding.x;
  return { intervals, means, seeds: seeds!, arrows, beyond, domain: scale.domain, title };
}

const curve = (accuracies: number[]) =>
  accuracies.map((val_acc, i) => ({ epoch: i + 1, val_acc, val_loss: 1 - val_acc / 100 }) as MetricsRow);

describe('the dots', () => {
  it('are all on the axis, with the interval of each config', () => {
    const { intervals, means, seeds, arrows, domain } = dots([
      row('a', [80, 80.2, 80.4]),
      row('b', [79]),
      row('c', []),
    ]);
    expect([intervals!.length, means!.length, seeds.length, arrows]).toEqual([2, 2, 4, []]);
    expect(domain[0]).toBeLessThan(79);
    expect(domain[1]).toBeGreaterThan(80.4);
  });

  it('take up most of the axis: arrows show that the intervals of two seeds are longer', () => {
    const { arrows, domain, title } = dots([row('a', [40, 43]), row('b', [41, 42])]);
    expect(domain[1] - domain[0]).toBeLessThan(3 * 1.8);
    expect(arrows).toEqual(
      ['left', 'left', 'right', 'right'].map((side, i) => ({
        config: 'ab'[i % 2],
        value: domain[i >> 1],
        shape: `triangle-${side}`,
      })),
    );
    expect(title).toContain('arrows: intervals and seeds beyond the axis');
  });

  it('of a few bad configs are described at the edge instead', () => {
    const good = [81, 80.5, 80, 79.5].map((accuracy, i) => row(`good ${i}`, [accuracy, accuracy + 0.2]));
    const { beyond, domain, intervals } = dots([...good, row('bad', [65, 67.6])]);
    expect(beyond).toEqual([{ config: 'bad', text: '2 seeds at 65.0 to 67.6, mean 66.3' }]);
    expect(intervals).toHaveLength(4);
    expect(domain[0]).toBeGreaterThan(78);
  });

  it('of a loss that explodes are described too', () => {
    const { beyond, seeds, domain } = dots([row('a', [0.5, 0.6, 300], 'val_loss')], 'val_loss');
    expect(beyond).toEqual([{ config: 'a', text: '1 seed at 300, mean 100' }]);
    expect(seeds).toHaveLength(2);
    expect(domain[1]).toBeLessThan(1);
  });
});

describe('the curves', () => {
  const rising = [10, 20, 30, 40, 50, 60, 70, 71, 72, 73, 74, 75, 76];

  it('are means over the seeds, with a band if there are several', () => {
    const runs = [curve([10, 20, 30]), curve([12, 22, 32])];
    const series = [
      { config: 'a', runs },
      { config: 'b', runs: [curve([5, 6, 7])] },
    ];
    const [band, line] = (compareCurves(series, 'val_acc', {}) as unknown as Drawn).layer;
    expect([band!.data.values.length, line!.data.values.length]).toEqual([3, 6]);
    expect(line!.data.values).toContainEqual(expect.objectContaining({ config: 'a', epoch: 2, mean: 21 }));
  });

  it.each(['val_acc', 'val_loss'] as const)('end inside the axes, which omit their start and say so: %s', (what) => {
    const [band] = (compareCurves([{ config: 'a', runs: [curve(rising)] }], what, {}) as unknown as Drawn).layer;
    const { title, scale } = band!.encoding.y;
    expect(band!.encoding.x.scale.domain[0]).toBe(7);
    expect(scale.domain[1] - scale.domain[0]).toBeLessThan(what === 'val_acc' ? 10 : 0.1);
    expect(title).toContain(what === 'val_acc' ? 'lower values are not drawn' : 'higher values are not drawn');
  });

  it('run over the LR in the order of the epochs, and show all of it', () => {
    const cycle = [0.1, 0.8, 0.1].map((lr, i) => ({ epoch: i + 1, lr, val_acc: [50, 10, 60][i]! }) as MetricsRow);
    const panel = compareCurves([{ config: 'a', runs: [cycle, cycle] }], 'val_acc', {}, 'lr') as unknown as Drawn;
    const { x, y, ...rest } = panel.layer[1]!.encoding;
    expect(panel.layer[0]!.data.values).toEqual([]); // a band would fold back
    expect(panel.layer[0]!.encoding).not.toHaveProperty('order'); // it removes the bands
    expect(panel.layer[1]!.data.values.map(({ lr, mean }) => [lr, mean])).toEqual(
      [0.1, 0.8, 0.1].map((lr, i) => [lr, [50, 10, 60][i]]),
    );
    expect(rest).toMatchObject({ order: { field: 'epoch' } });
    expect([x.title, x.scale.domain[0] < 0.1, x.scale.domain[1] > 0.8]).toEqual(['learning rate', true, true]);
    expect([y.title, y.scale.domain[0] < 10]).toEqual(['validation accuracy (%)', true]);
  });

  it('are left out if they say no more than the final values', () => {
    expect(compareCurves([{ config: 'a', runs: [curve([10, 20])] }], 'val_acc', {})).toBeUndefined();
    expect(compareCurves([], 'val_acc', {})).toBeUndefined();
  });
});

describe('the whole chart', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'clr-compare-chart-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  writeRunFolder(path.join(root, '1'), { name: 'a', epochs: 1.5, dataset: { type: 'cifar10', train_limit: 3000 } }, 90);
  const { runs } = readRuns([root]);
  const comparison = compare(runs, [], {});

  it('names data, epochs and number of images, and ends the curve of 1.5 epochs there', () => {
    const curves = readCurves(comparison, () => {});
    expect(curves.map((one) => one.runs.map((rows) => rows.map(({ epoch }) => epoch)))).toEqual([[[1, 1.5]]]);
    const { title, hconcat } = compareChart(comparison, curves) as { title: { subtitle: string[] }; hconcat: object[] };
    expect(title.subtitle[0]).toMatch(/cifar10, 1\.5 epochs, 3000 training images$/);
    expect(hconcat).toHaveLength(1);
  });

  it('draws more configs than colours, and those that were stopped, without a warning', async () => {
    const warn = vi.spyOn(console, 'warn');
    const rows = Array.from({ length: 9 }, (_, i) => row(`config ${i}`, [80 - i, 80.5 - i]));
    rows[8] = { ...row('stopped', []), missing: { stopped: 1 } };
    const all: Comparison = { ...comparison, rows };
    const curves = rows.map(({ config }, i) => ({ config, runs: [curve([50 - i, 60 - i, 70 - i])] }));
    const spec = compareChart(all, curves);
    const text = JSON.stringify(spec.title);
    expect(text).toContain('only the first 7 in colour');
    expect(text).toContain('runs that were stopped');
    expect((await sharp(await renderPng(spec)).metadata()).width).toBeGreaterThan(1500);
    expect(warn).not.toHaveBeenCalled();
  });
});
