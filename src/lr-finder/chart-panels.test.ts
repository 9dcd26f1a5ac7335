import sharp from 'sharp';
import type { TopLevelSpec } from 'vega-lite';
import { expect, test, vi } from 'vitest';
import { renderPng } from '../charts/render.js';
import { randomStream } from '../random.js';
import type { FinderRow } from '../runs/finder-columns.js';
import { smooth } from '../statistics/smooth.js';
import type { FinderCurve } from './chart-axes.js';
import { finderValidation, lrFinder } from './chart-panels.js';
import { groupCurves, labelOf } from './curves.js';
import { learningRate } from './learning-rates.js';
import { suggest } from './suggestions.js';

type Scale = 'linear' | 'exponential';
const ranges = { linear: { start: 0.1, end: 2 }, exponential: { start: 1e-4, end: 10 } };

/** Synthetic curves, each with a dip; the first `end` of 100 rows each. */
function curves(scale: Scale, { momenta = [0.9], seeds = [1], end = 100 } = {}): FinderCurve[] {
  const rows = momenta.flatMap((momentum, i) =>
    seeds.flatMap((seed) => made(scale, i + 1, momentum, seed).slice(0, end)),
  );
  const groups = groupCurves(rows);
  return groups.map((group) => ({ ...group, label: labelOf(group, groups), suggestions: suggest(group, 10) }));
}

function made(scale: Scale, curve: number, momentum: number, seed: number): FinderRow[] {
  const { normal } = randomStream(seed, 'synthetic', curve);
  const bottom = scale === 'linear' ? 1 : 0.3;
  const rows = Array.from({ length: 100 }, (_, iteration) => {
    const lr = learningRate({ ...ranges[scale], scale, iterations: 100 }, iteration);
    const loss = 2.4 - 0.9 / (1 + (bottom / lr / 3) ** 2) + ((0.6 * momentum * lr) / bottom) ** 3 + 0.05 * normal();
    const val_acc = 10 + 40 * Math.exp(-(Math.log(lr / bottom) ** 2)) + 4 * normal();
    return { iteration, lr, loss, val_loss: loss + 0.1, val_acc };
  });
  const smoothed = smooth(rows.map((row) => row.loss));
  const common = { curve, momentum, weight_decay: 1e-4, batch_size: 128, seed };
  return rows.map((row, i) => ({ ...common, ...row, smoothed: smoothed[i]! }));
}

const heading = { title: 'LR finder' };
const cases = { one: {}, three: { momenta: [0.9, 0.95, 0.99] }, seeds: { momenta: [0.9, 0.95], seeds: [1, 2, 3] } };
const drawn: [string, Scale, (typeof cases)[keyof typeof cases] & { end?: number }][] = [];
for (const scale of ['linear', 'exponential'] as const)
  for (const [name, options] of Object.entries(cases))
    for (const end of [1, 100]) drawn.push([`${name} of ${end}`, scale, { ...options, end }]);

test.each(drawn)('%s, %s: is drawn without a warning', async (_, scale, options) => {
  const warn = vi.spyOn(console, 'warn');
  for (const draw of [lrFinder, finderValidation]) {
    const { width, height } = await sharp(await renderPng(draw(curves(scale, options), heading, scale))).metadata();
    expect(width).toBeGreaterThan(1000);
    expect(height).toBeGreaterThan(600);
  }
  expect(warn).not.toHaveBeenCalled();
});

test('a chart without rows says so', () => {
  expect(JSON.stringify(lrFinder([], heading, 'linear'))).toContain('no data');
});

const texts = (spec: TopLevelSpec) => [...JSON.stringify(spec).matchAll(/"text":"([^"]*\d)"/g)].map(([, text]) => text);

test.each(['linear', 'exponential'] as const)('%s: every suggestion has its flag, and the axis its scale', (scale) => {
  const [curve] = curves(scale);
  const spec = lrFinder([curve!], heading, scale);
  const answered = curve!.suggestions.filter((s) => 'max_lr' in s).map(({ method }) => method);
  expect(answered).toHaveLength(6);
  expect(
    texts(spec)
      .map((text) => text!.split(':')[0]!)
      .sort(),
  ).toEqual(answered.sort());
  expect(JSON.stringify(spec).includes('"type":"log"')).toBe(scale === 'exponential');
});

test('no flag crosses the text of another', () => {
  const spec = JSON.stringify(lrFinder(curves('exponential'), heading, 'exponential'));
  const flags = [
    ...spec.matchAll(/"x":\{"datum":([\d.e-]+)\}\},"layer":\[\{"mark":\{"type":"rule".*?"y":\{"value":(-\d+)/g),
  ];
  const byLr = flags.map(([, lr, top]) => [Number(lr), Number(top)] as const).sort((a, b) => a[0] - b[0]);
  const tops = byLr.map(([, top]) => top);
  expect(tops).toHaveLength(6);
  const rising = tops.toSorted((a, b) => a - b);
  expect([rising, rising.toReversed()]).toContainEqual(tops); // the outermost is the longest
  expect(new Set(tops).size).toBe(6);
});

/** A curve that never leaves its noise, with what the methods say about it. */
const without = (curve: FinderCurve): FinderCurve => {
  const flat = curve.loss.map(() => 2.3);
  const none = suggest({ ...curve, loss: flat }, 10).filter(
    ({ method }) => method === 'recommended' || method === 'range',
  );
  return { ...curve, loss: flat, smoothed: flat, suggestions: none };
};

test('one curve: each method without an answer is named with its reason', () => {
  const [curve] = curves('linear');
  expect(lrFinder([curve!], heading, 'linear').title).not.toHaveProperty('subtitle.1');
  const { title } = lrFinder([without(curve!)], heading, 'linear');
  const reason = 'no answer: the loss never falls by more than its noise';
  expect(title).toHaveProperty('subtitle', [expect.anything(), reason]);
  const range = { method: 'range', reason: 'why' } as const;
  const rangeless = { ...curve!, suggestions: [...curve!.suggestions.slice(0, 5), range] };
  expect(lrFinder([rangeless], heading, 'linear').title).toHaveProperty('subtitle.1', 'no answer from range: why');
});

test('several curves: the legend shows the methods that have an answer for any of them, and no others', async () => {
  const [first, second] = curves('exponential', { momenta: [0.9, 0.95] });
  const rangeAlone = { ...first!, suggestions: first!.suggestions.filter(({ method }) => method === 'range') };
  const shapes = (...of: FinderCurve[]) =>
    JSON.stringify(lrFinder(of, heading, 'exponential')).match(
      /"domain":(\[[^\]]*\]),"range":\["(circle|diamond)/,
    )?.[1];
  expect(shapes(first!, second!)).toMatch(/recommended.*valley.*steep.*minimum.*slide.*range/);
  expect(shapes(rangeAlone, without(second!))).toBe('["max_lr of the range"]');
  expect(shapes(without(first!), without(second!))).toBeUndefined();
  await renderPng(lrFinder([without(first!), without(second!)], heading, 'exponential'));
});

test.each([
  [0.5, undefined],
  [1e5, 'log'],
])('the axis includes all validation losses, up to %d above the first', (more, type) => {
  const [curve] = curves('exponential');
  const val_loss = curve!.lr.map((_, i) => 2 + more * (i / 99) ** 4);
  const spec: unknown = finderValidation([{ ...curve!, val_loss }], heading, 'exponential');
  const { scale } = (spec as Layered).hconcat[0]!.layer[0]!.encoding.y;
  expect(scale.type).toBe(type);
  expect(scale.domain[0]).toBeLessThan(Math.min(...val_loss));
  expect(scale.domain[1]).toBeGreaterThan(Math.max(...val_loss));
});

interface Layered {
  hconcat: { layer: { encoding: { y: { scale: { type?: string; domain: [number, number] } } } }[] }[];
}
