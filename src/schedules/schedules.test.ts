import { describe, expect, test } from 'vitest';
import { fc } from '../testing/random-tests.js';
import { schedules } from './index.js';
import type { RunLength } from './schedule.js';

/** The required options of each schedule, valid for any run length. */
const required: Record<string, object> = {
  clr: { max_lr: 0.8 },
  'clr-beta': { max_lr: 0.8 },
  'smith-1cycle': { base_lr: 0.08, max_lr: 0.8 },
  'one-cycle': { max_lr: 0.8 },
  'keras-one-cycle': { max_lr: 0.8 },
  triangular: { base_lr: 0.08, max_lr: 0.8 },
  triangular2: { base_lr: 0.08, max_lr: 0.8 },
  'exp-range': { base_lr: 0.08, max_lr: 0.8 },
  cosine: { max_lr: 0.8 },
  'flat-cos': { max_lr: 0.8 },
  wsd: { max_lr: 0.8 },
  'inverse-sqrt': { max_lr: 0.8 },
  rex: { max_lr: 0.8 },
  phases: {
    phases: [
      { share: '1/3', lr: [0.1, 1], momentum: [0.95, 1] },
      { lr: [1, 0], shape: 'cosine' },
    ],
  },
};

/** The defaults, and variants of every option that changes the curve. */
const variants: object[] = [
  ...schedules.types.map((type) => ({ type, ...required[type] })),
  ...['clr', 'clr-beta', 'smith-1cycle', 'one-cycle', 'keras-one-cycle', 'triangular'].flatMap((type) => [
    { type, ...required[type], momentum: 'anti-cyclic', min_momentum: 0.9, max_momentum: 1 },
    { type, ...required[type], lr_over_one_minus_momentum: 0.9 },
  ]),
  ...['cosine', 'flat'].map((tail) => ({ type: 'clr-beta', max_lr: 3, pct: 50, tail })),
  { type: 'clr-beta', max_lr: 0.8, pct: 0, momentum_lead: 1 },
  { type: 'smith-1cycle', base_lr: 0.08, max_lr: 0.8, step_size: { share: 1 } },
  ...['fastai-v1', 'fastai-v2', 'pytorch'].map((preset) => ({
    type: 'one-cycle',
    max_lr: 1,
    preset,
    anneal: 'linear',
  })),
  { type: 'one-cycle', max_lr: 1, pct_start: 0.43, three_phase: true },
  { type: 'one-cycle', max_lr: 1, pct_start: 0.5, three_phase: true },
  ...[0, 1].flatMap((pct_start) =>
    ['fastai-v1', 'fastai-v2', 'pytorch'].map((preset) => ({ type: 'one-cycle', max_lr: 1, preset, pct_start })),
  ),
  { type: 'one-cycle', max_lr: 1, end_momentum: 0.99 },
  { type: 'cosine', max_lr: 1, cycles: 3, cycle_mult: 2 },
  { type: 'cosine', max_lr: 1, cycles: 3, cycle_mult: 2, round_ends: false },
  ...['constant', 'multi-step', 'cosine', 'inverse-sqrt', 'rex', 'wsd'].map((type) => ({
    type,
    ...required[type],
    warmup: { share: '1/3' },
    warmup_from: 0.001,
    momentum: { demon: 0.95 },
  })),
  ...['linear', 'cosine'].map((decay_shape) => ({ type: 'wsd', max_lr: 1, decay: { share: 1 }, decay_shape })),
  { type: 'clr-beta', max_lr: 0.8, momentum: { demon: 0.9 }, lr_over_one_minus_momentum: 0.9 },
  ...[0, 1].map((pct_start) => ({ type: 'flat-cos', max_lr: 1, pct_start })),
  { type: 'triangular', base_lr: 0.08, max_lr: 0.8, step_size: { epochs: 0.3 }, step_size_down: { share: 0.7 } },
  ...['linear', 'exponential', 'polynomial', '1-sqrt', 'rex', 'constant'].map((shape) => ({
    type: 'phases',
    phases: [
      { share: 0.5, lr: [0.01, 1], shape },
      { share: 0.25, lr: 0.3, momentum: [0, 1] },
      { lr: [1, 0.1], shape },
    ],
  })),
];

const lengths = fc.record({
  iterations: fc.integer({ min: 1, max: 3000 }),
  iterationsPerEpoch: fc.integer({ min: 1, max: 400 }),
});

describe.each(variants.map((config) => [JSON.stringify(config), config] as const))('%s', (_, config) => {
  const options = schedules.schema.parse(config);
  const make = (length: RunLength) => schedules.create(options, length);
  const isLegal = ({ lr, momentum }: { lr: number; momentum: number }) =>
    lr > 0 && Number.isFinite(lr) && momentum >= 0 && momentum <= 1;

  test('has a positive LR and a momentum within 0 and 1 at every update, in runs of 1 to 5 iterations and of any length', () => {
    const everyUpdate = (length: RunLength) => {
      const schedule = make(length);
      for (let t = 0; t < length.iterations; t++) if (!isLegal(schedule(t))) return false;
      return true;
    };
    for (const iterations of [1, 2, 3, 4, 5]) {
      for (const iterationsPerEpoch of [1, 2, 5, 98])
        expect(everyUpdate({ iterations, iterationsPerEpoch })).toBe(true);
    }
    fc.assert(fc.property(lengths, everyUpdate), { numRuns: 15 });
  });

  test('keeps no state: an iteration gives the same values again, whatever the order of calls', () => {
    fc.assert(
      fc.property(lengths, fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }), (length, iterations) => {
        const schedule = make(length);
        const once = iterations.map(schedule);
        expect(iterations.toReversed().map(schedule).toReversed()).toEqual(once);
        expect(iterations.map((t) => make(length)(t))).toEqual(once);
      }),
      { numRuns: 8 },
    );
  });
});

/** The documented start, peak and end of each schedule: LR at iteration 0, the largest LR, LR after the last update. */
const ends = [
  ['clr', { max_lr: 0.8, div: 10 }, 0.08, 0.8, 0.08],
  ['clr-beta', { max_lr: 0.8, div: 10 }, 0.08, 0.8, 0.0008],
  ['clr-beta', { max_lr: 0.8, div: 10, tail: 'flat', tail_div: 1 }, 0.08, 0.8, 0.08],
  ['clr-beta', { max_lr: 0.8, div: 10, tail: 'cosine' }, 0.08, 0.8, 0.0008],
  ['smith-1cycle', { base_lr: 0.08, max_lr: 0.8 }, 0.08, 0.8, 0.00008],
  ['one-cycle', { preset: 'fastai-v1', max_lr: 0.8 }, 0.032, 0.8, 0.8 / 25e4],
  ['one-cycle', { preset: 'fastai-v2', max_lr: 0.8 }, 0.032, 0.8, 0.8 / 1e5],
  ['one-cycle', { preset: 'pytorch', max_lr: 0.8 }, 0.032, 0.8, 0.8 / 25e4],
  ['keras-one-cycle', { max_lr: 0.8 }, 0.08, 0.8, 0.0008],
  ['keras-one-cycle', { max_lr: 0.8, scale: 0.2 }, 0.16, 3.2, 0.0016],
  ['cosine', { max_lr: 0.8, min_lr: 0.001 }, 0.8, 0.8, 0.001],
  ['multi-step', { lr: 0.1 }, 0.1, 0.1, 0.1 * 0.316 ** 5],
  ['constant', { lr: 0.1, warmup: { share: 0.1 } }, 0, 0.1, 0.1],
  ['cosine', { max_lr: 0.8, min_lr: 0.01, warmup: { share: 0.1 } }, 0, 0.8, 0.01],
  ['flat-cos', { max_lr: 0.8 }, 0.8, 0.8, 0.8 / 1e5],
  ['wsd', { max_lr: 0.8, warmup: { share: 0.1 }, warmup_from: 0.08, min_lr: 0.01 }, 0.08, 0.8, 0.01],
  ['rex', { max_lr: 0.8, min_lr: 0.01 }, 0.8, 0.8, 0.01],
] as const;

test.each(ends)('%s %o starts at %d, peaks at %d and ends at %d', (type, options, start, peak, end) => {
  const config = schedules.schema.parse({ type, ...options });
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 2000 }), (iterations) => {
      const schedule = schedules.create(config, { iterations, iterationsPerEpoch: 100 });
      const lrs = Array.from({ length: iterations + 1 }, (_, t) => schedule(t).lr);
      expect(lrs[0]).toBeCloseTo(start, 9);
      expect(lrs.at(-1)).toBeCloseTo(end, 9);
      expect(Math.max(...lrs)).toBeLessThanOrEqual(peak * (1 + 1e-12));
      expect(Math.max(...lrs)).toBeGreaterThan(peak * 0.96); // the peak itself may fall between two updates
    }),
    { numRuns: 10 },
  );
});

describe('the options', () => {
  const parse = (config: object) => schedules.schema.safeParse(config);
  const length = { iterations: 100, iterationsPerEpoch: 10 };

  test.each([
    { type: 'clr', max_lr: 0.8, div: 0 },
    { type: 'clr', max_lr: 0.8, div: -10 },
    { type: 'clr', max_lr: Number.NaN },
    { type: 'clr', max_lr: Number.POSITIVE_INFINITY },
    { type: 'clr', max_lr: 0 },
    { type: 'clr', max_lr: 0.8, momentum: 1 },
    { type: 'clr', max_lr: 0.8, momentum: 'backwards' },
    { type: 'clr', max_lr: 0.8, momentum_lead: 2 },
    { type: 'clr-beta', max_lr: 0.8, pct: 100 },
    { type: 'clr-beta', max_lr: 0.8, pct: -1 },
    { type: 'clr-beta', max_lr: 0.8, max_momentum: 1.01 },
    { type: 'constant', lr: -0.1 },
    { type: 'constant', momentum: 1 },
    { type: 'triangular', base_lr: 0.1, max_lr: 1, step_size: { epochs: 0 } },
    { type: 'triangular', base_lr: 0.1, max_lr: 1, step_size: {} },
    { type: 'triangular', base_lr: 0.1, max_lr: 1, step_size: { epochs: 1, share: 0.5 } },
    { type: 'triangular', base_lr: 0.1, max_lr: 1, step_size: { share: '5/4' } },
    { type: 'triangular', base_lr: 0.1, max_lr: 1, step_size: { share: '1/0' } },
    { type: 'exp-range', base_lr: 0.1, max_lr: 1, gamma: 0 },
    { type: 'one-cycle', max_lr: 0.8, pct_start: 1.1 },
    { type: 'one-cycle', max_lr: 0.8, pct_start: -0.1 },
    { type: 'one-cycle', max_lr: 0.8, end_momentum: 1 },
    { type: 'cosine', max_lr: 0.8, momentum: { demon: 1 } },
    { type: 'cosine', max_lr: 0.8, momentum: { demon: 0.9, to: 0.1 } },
    { type: 'cosine', max_lr: 0.8, momentum: 'cyclic' },
    { type: 'cosine', max_lr: 0.8, warmup: 100 },
    { type: 'cosine', max_lr: 0.8, warmup: { epochs: 1 }, warmup_from: -0.1 },
    { type: 'wsd', max_lr: 0.8, decay_shape: 'exponential' },
    { type: 'flat-cos', max_lr: 0.8, final_div: 0 },
    { type: 'inverse-sqrt', max_lr: 0.8, timescale: { iterations: 0 } },
    { type: 'one-cycle', max_lr: 0.8, preset: 'fastai-v9' },
    { type: 'cosine', max_lr: 0.8, cycles: 0 },
    { type: 'phases', phases: [] },
    { type: 'phases', phases: [{ lr: [0, 0] }] },
    { type: 'phases', phases: [{ share: 0.5, epochs: 1, lr: 1 }, { lr: 2 }] },
    { type: 'phases', phases: [{ lr: [0, 1], shape: 'exponential' }] },
    { type: 'phases', phases: [{ lr: 0 }] },
    { type: 'phases', phases: [{ lr: 1, momentum: 1 }] },
    { type: 'phases', phases: [{ lr: [1, 0], shape: 'exponential' }] },
  ])('%o is refused', (config) => {
    expect(parse(config).success).toBe(false);
  });

  test.each([
    [{ type: 'clr', max_lr: 1, max_momentum: 0.8 }, /max_momentum 0.8 is below min_momentum 0.85/],
    [{ type: 'triangular2', base_lr: 1, max_lr: 0.1 }, /max_lr 0.1 is below base_lr 1/],
    [{ type: 'smith-1cycle', base_lr: 1, max_lr: 0.1 }, /max_lr 0.1 is below base_lr 1/],
    [{ type: 'cosine', max_lr: 0.1, min_lr: 1 }, /max_lr 0.1 is below min_lr 1/],
    [{ type: 'rex', max_lr: 0.1, min_lr: 1 }, /max_lr 0.1 is below min_lr 1/],
    [{ type: 'wsd', max_lr: 0.1, min_lr: 1 }, /max_lr 0.1 is below min_lr 1/],
    [{ type: 'clr', max_lr: 1, momentum: 0.9, lr_over_one_minus_momentum: 0.9 }, /needs a momentum that cycles/],
    [{ type: 'clr-beta', max_lr: 1, max_momentum: 1, lr_over_one_minus_momentum: 0.9 }, /gives an LR of 0/],
    [{ type: 'one-cycle', max_lr: 1, preset: 'fastai-v1', three_phase: true }, /preset fastai-v1 has no three_phase/],
    [{ type: 'one-cycle', max_lr: 1, pct_start: 0.6, three_phase: true }, /leaves no third phase/],
    [{ type: 'cosine', max_lr: 1, warmup: { epochs: 11 } }, /the warm-up takes 110 iterations, the run 100/],
    [{ type: 'wsd', max_lr: 1, warmup: { share: 0.9 } }, /warm-up and decay take 110 iterations, the run 100/],
    [{ type: 'phases', phases: [{ lr: 1 }, { lr: 2 }] }, /2 phases have no duration/],
    [{ type: 'phases', phases: [{ epochs: 12, lr: 1 }] }, /the phases take 120 iterations, the run 100/],
    [{ type: 'phases', phases: [{ epochs: 12, lr: 1 }, { lr: 2 }] }, /the phases take 120 iterations, the run 100/],
    [{ type: 'phases', phases: [{ share: 0.5, lr: 1 }] }, /the phases take 50 iterations, the run 100/],
  ])('%o is refused when the schedule is created', (config, message) => {
    expect(() => schedules.create(schedules.schema.parse(config), length)).toThrow(message);
  });
});
