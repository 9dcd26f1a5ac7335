import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config/load.js';
import { scheduleRows } from '../training/schedule-table.js';
import { schedules } from './index.js';
import type { Hyperparameters, RunLength } from './schedule.js';

/** Expected values by the formulas of the sources, which share no code with what they test. */
type Formula = (it: number, run: RunLength) => Partial<Hyperparameters>;

const lengths: RunLength[] = [
  { iterations: 9310, iterationsPerEpoch: 98 },
  { iterations: 9277, iterationsPerEpoch: 98 },
  { iterations: 100, iterationsPerEpoch: 10 },
  { iterations: 37, iterationsPerEpoch: 7 },
];

function matches(options: object, formula: Formula, runs = lengths): void {
  for (const run of runs) {
    const schedule = schedules.create(schedules.schema.parse(options), run);
    const worst = { lr: 0, momentum: 0 };
    for (let it = 0; it < run.iterations; it++) {
      const got = schedule(it);
      const want = formula(it, run);
      for (const key of ['lr', 'momentum'] as const) {
        if (want[key] !== undefined) worst[key] = Math.max(worst[key], Math.abs(got[key] - want[key]));
      }
    }
    expect(worst.lr, `LR, ${run.iterations} iterations`).toBeLessThan(1e-9);
    expect(worst.momentum, `momentum, ${run.iterations} iterations`).toBeLessThan(1e-9);
  }
}

const useClr = (max: number, div: number, cutDiv: number, mom: [number, number], it: number, nb: number) => {
  const cut = Math.floor(nb / cutDiv);
  const pct = it <= cut ? it / cut : 1 - (it - cut) / (nb - cut);
  const pctM = it <= cut ? 1 - it / cut : (it - cut) / (nb - cut);
  return { lr: (max * (1 + pct * (div - 1))) / div, momentum: mom[1] + pctM * (mom[0] - mom[1]) };
};
const useClrBeta = (max: number, div: number, pct: number, [high, low]: [number, number], it: number, nb: number) => {
  const c = Math.trunc((nb * (1 - pct / 100)) / 2);
  if (it > 2 * c) return { lr: (max * (1 - (0.99 * (it - 2 * c)) / (nb - 2 * c))) / div, momentum: high };
  const up = it <= c ? it / c : 1 - (it - c) / c;
  return { lr: (max * (1 + up * (div - 1))) / div, momentum: high + up * (low - high) };
};

const logged = (S: number, it: number) => {
  const cycle = Math.floor(it / (2 * S));
  const x = (it - (2 * cycle + 1) * S) / S;
  const lr = it <= S ? 0.08 + (it / S) * 0.72 : it < 2 * S ? 0.8 - (it - S) * (0.8 / S) : 8e-5;
  return { lr, momentum: 0.95 + (0.85 - 0.95) * Math.min(1, Math.max(0, (1 - Math.abs(x)) / 2 ** cycle)) };
};

describe('fastai 0.7', () => {
  test('clr is use_clr with two values', () => {
    matches({ type: 'clr', max_lr: 0.8, div: 10, cut_div: 95 / 41, momentum: 0.9 }, (it, { iterations }) => ({
      ...useClr(0.8, 10, 95 / 41, [0, 0], it, iterations),
      momentum: 0.9,
    }));
  });

  test('clr is use_clr with four values', () => {
    const options = {
      type: 'clr',
      max_lr: 3,
      div: 20,
      cut_div: 5,
      max_momentum: 0.97,
      min_momentum: 0.8,
    };
    matches(options, (it, { iterations }) => useClr(3, 20, 5, [0.97, 0.8], it, iterations));
  });

  test('clr-beta is use_clr_beta', () => {
    for (const [max, div, pct] of [
      [0.8, 10, 13.68],
      [3, 20, 10],
      [0.8, 10, 50],
    ] as const) {
      const options = { type: 'clr-beta', max_lr: max, div, pct };
      matches(options, (it, { iterations }) => useClrBeta(max, div, pct, [0.95, 0.85], it, iterations));
    }
  });

  test('momentum_lead 1 uses the momentum of the next iteration, and the first one again at the last update', () => {
    matches({ type: 'clr-beta', max_lr: 0.8, pct: 13.68, momentum_lead: 1 }, (it, { iterations }) => ({
      lr: useClrBeta(0.8, 10, 13.68, [0.95, 0.85], it, iterations).lr,
      momentum: useClrBeta(0.8, 10, 13.68, [0.95, 0.85], (it + 1) % iterations, iterations).momentum,
    }));
    const options = { type: 'clr', max_lr: 0.8, cut_div: 3, momentum_lead: 1 };
    matches(options, (it, { iterations }) => ({
      momentum: useClr(0.8, 10, 3, [0.95, 0.85], (it + 1) % iterations, iterations).momentum,
    }));
  });

  test("the thread's run goes 0.08, 0.8, 0.08, 0.0008 with momentum 0.95, 0.85, 0.95, 0.95", () => {
    const run = schedules.create(schedules.schema.parse({ type: 'clr-beta', max_lr: 0.8, pct: 13.68 }), lengths[0]!);
    const at = [0, 4018, 8036, 9309].map(run);
    expect(at.map(({ lr }) => lr.toFixed(5))).toEqual(['0.08000', '0.80000', '0.08000', '0.00086']);
    expect(at.map(({ momentum }) => momentum.toFixed(5))).toEqual(['0.95000', '0.85000', '0.95000', '0.95000']);
  });

  test('anti-cyclic momentum is 0.90 at the foot and 1.00 at the top of the LR', () => {
    const options = { type: 'clr-beta', max_lr: 0.8, momentum: 'anti-cyclic', min_momentum: 0.9, max_momentum: 1 };
    matches(options, (it, { iterations }) => useClrBeta(0.8, 10, 10, [0.9, 1], it, iterations));
  });

  test('lr_over_one_minus_momentum keeps lr / (1 - momentum) on the curve of the constant momentum', () => {
    const options = { type: 'clr-beta', max_lr: 0.8, lr_over_one_minus_momentum: 0.9 };
    matches(options, (it, { iterations }) => {
      const { lr, momentum } = useClrBeta(0.8, 10, 10, [0.95, 0.85], it, iterations);
      return { lr: (lr / (1 - 0.9)) * (1 - momentum), momentum };
    });
  });

  test('the tail can be a cosine, or flat', () => {
    const tail = (f: (x: number) => number) => (it: number, run: RunLength) => {
      const c = Math.trunc((run.iterations * 0.8) / 2);
      return it < 2 * c ? {} : { lr: 0.08 * f((it - 2 * c) / (run.iterations - 2 * c)), momentum: 0.95 };
    };
    const options = { type: 'clr-beta', max_lr: 0.8, pct: 20 };
    matches(
      { ...options, tail: 'cosine' },
      tail((x) => 0.01 + (0.99 / 2) * (Math.cos(Math.PI * x) + 1)),
    );
    matches(
      { ...options, tail: 'flat', tail_div: 1000 },
      tail(() => 0.001),
    );
  });
});

describe("Smith's Caffe", () => {
  const options = { type: 'smith-1cycle', base_lr: 0.08, max_lr: 0.8, step_size: { share: '41/95' } };
  const stepOf = (iterations: number) => Math.trunc((iterations * 41) / 95);

  test('smith-1cycle goes up, down to 0 and stays at a thousandth, with a second, half-deep momentum dip', () => {
    matches(options, (it, { iterations }) => logged(stepOf(iterations), it));
  });

  test('smith-1cycle agrees with the published log of 9277 iterations', () => {
    const run = schedules.create(schedules.schema.parse(options), lengths[1]!);
    const log = { 0: 0.08, 4000: 0.79946, 7600: 0.0812, 7800: 0.0412, 8000: 0.0012, 8006: 8e-5, 9276: 8e-5 };
    for (const [it, lr] of Object.entries(log))
      expect(Math.abs(run(Number(it)).lr - lr), `at ${it}`).toBeLessThan(1e-4);
    expect(run(9276).momentum).toBeCloseTo(0.934, 3);
  });

  test('momentum_tail hold keeps max_momentum in the tail', () => {
    matches({ ...options, momentum_tail: 'hold' }, (it, { iterations }) => {
      const S = stepOf(iterations);
      return { ...logged(S, it), ...(it >= 2 * S && { momentum: 0.95 }) };
    });
  });

  test("multi-step defaults to Smith's template of five drops by 0.316", () => {
    matches({ type: 'multi-step', lr: 0.1 }, (it, { iterations: n }) => {
      let lr = 0.1;
      for (const share of [0.5, 0.75, 0.875, 0.906, 0.9375]) if (it >= Math.round(share * n)) lr *= 0.316;
      return { lr, momentum: 0.9 };
    });
  });
});

describe('arXiv:1506.01186', () => {
  const x = (it: number, S: number) => Math.max(0, 1 - Math.abs(it / S - 2 * Math.floor(1 + it / (2 * S)) + 1));
  const options = { base_lr: 0.1, max_lr: 3, step_size: { epochs: 2 } };

  test.each([
    ['triangular', {}, () => 1],
    ['triangular2', {}, (it: number, S: number) => 1 / 2 ** (Math.floor(1 + it / (2 * S)) - 1)],
    ['exp-range', { gamma: 0.999 }, (it: number) => 0.999 ** it],
  ])('%s', (type, more, scale) => {
    matches({ type, ...options, ...more }, (it, { iterationsPerEpoch }) => {
      const S = 2 * iterationsPerEpoch;
      const height = x(it, S) * scale(it, S);
      return { lr: 0.1 + 2.9 * height, momentum: 0.95 - 0.1 * height };
    });
  });
});

describe('later one-cycles', () => {
  const cos = (start: number, end: number, pct: number) => end + ((start - end) / 2) * (Math.cos(Math.PI * pct) + 1);
  const legs = (ends: [number, number, number], first: number, second: number, it: number) =>
    it < first ? cos(ends[0], ends[1], it / first) : cos(ends[1], ends[2], (it - first) / second);

  test('preset fastai-v1 takes update k at k / n of each leg', () => {
    matches({ type: 'one-cycle', preset: 'fastai-v1', max_lr: 0.8 }, (it, { iterations: n }) => {
      const a = Math.trunc(n * 0.3);
      return {
        lr: legs([0.8 / 25, 0.8, 0.8 / 25e4], a, n - a, it),
        momentum: legs([0.95, 0.85, 0.95], a, n - a, it),
      };
    });
  });

  test('preset fastai-v1 ends above its final value: 4.1e-4 for 100 updates to 0.8, with the peak at update 30', () => {
    const config = schedules.schema.parse({ type: 'one-cycle', preset: 'fastai-v1', max_lr: 0.8 });
    const run = schedules.create(config, { iterations: 100, iterationsPerEpoch: 10 });
    expect(run(30).lr).toBeCloseTo(0.8, 12);
    expect(run(99).lr).toBeCloseTo(4.1e-4, 5);
  });

  test('preset fastai-v2 takes three momenta, and a rise over none or all of the run', () => {
    for (const pct of [0, 0.4, 1]) {
      const options = { max_lr: 0.8, pct_start: pct, max_momentum: 0.9, min_momentum: 0.8, end_momentum: 0.97 };
      matches({ type: 'one-cycle', preset: 'fastai-v2', ...options }, (it, { iterations }) => {
        const pos = it / iterations;
        return { lr: legs([0.032, 0.8, 8e-6], pct, 1 - pct, pos), momentum: legs([0.9, 0.8, 0.97], pct, 1 - pct, pos) };
      });
    }
  });

  test('preset fastai-v2 is a function of the share of training', () => {
    matches({ type: 'one-cycle', preset: 'fastai-v2', max_lr: 0.8 }, (it, { iterations }) => {
      const pos = it / iterations;
      return { lr: legs([0.032, 0.8, 8e-6], 0.25, 0.75, pos), momentum: legs([0.95, 0.85, 0.95], 0.25, 0.75, pos) };
    });
  });

  test('keras-one-cycle scales its peak by 100 scale squared', () => {
    for (const [end, scale] of [
      [0.1, 0.1],
      [0.2, 0.2],
      [0.1, 0.05],
    ] as const) {
      matches({ type: 'keras-one-cycle', max_lr: 0.8, end_percentage: end, scale }, (it, { iterations: n }) => {
        const mid = Math.trunc((n * (1 - end)) / 2);
        const pct = it <= mid ? it / mid : 1 - (it - mid) / mid;
        if (it > 2 * mid)
          return { lr: 0.8 * (1 + (((it - 2 * mid) / (n - 2 * mid)) * -99) / 100) * scale, momentum: 0.95 };
        return { lr: 0.8 * (1 + pct * (scale * 100 - 1)) * scale, momentum: 0.95 - pct * (0.95 - 0.85) };
      });
    }
  });
});

/** Formulas of transformers' optimization.py, as factors of the LR. */
describe('schedules with a warm-up', () => {
  const length = [{ iterations: 500, iterationsPerEpoch: 50 }];
  const W = 60;
  const warmup = { iterations: W };
  const cosineTo = (p: number, cycles = 0.5) => 0.5 * (1 + Math.cos(2 * Math.PI * cycles * p));

  test('cosine', () => {
    matches(
      { type: 'cosine', max_lr: 0.8, warmup },
      (it) => ({ lr: 0.8 * (it < W ? it / W : cosineTo((it - W) / (500 - W))), momentum: 0.9 }),
      length,
    );
    const options = { type: 'cosine', max_lr: 0.8, min_lr: 0.08, warmup, warmup_from: 0.2 };
    matches(
      options,
      (it) => ({ lr: it < W ? 0.2 + (0.6 * it) / W : 0.08 + 0.72 * cosineTo((it - W) / (500 - W)) }),
      length,
    );
  });

  test('cosine with hard restarts, whose cycles need not be whole iterations', () => {
    const options = { type: 'cosine', max_lr: 0.8, warmup, cycles: 3, round_ends: false };
    matches(options, (it) => ({ lr: 0.8 * (it < W ? it / W : cosineTo(((3 * (it - W)) / (500 - W)) % 1)) }), length);
  });

  test('constant and multi-step', () => {
    matches({ type: 'constant', lr: 0.3, warmup }, (it) => ({ lr: 0.3 * Math.min(1, it / W) }), length);
    matches(
      { type: 'multi-step', lr: 0.3, gamma: 0.1, milestones: [{ iterations: 200 }], warmup, warmup_from: 0.1 },
      (it) => ({ lr: it < W ? 0.1 + (0.2 * it) / W : it < 200 ? 0.3 : 0.03 }),
      length,
    );
  });

  test('inverse-sqrt', () => {
    matches(
      { type: 'inverse-sqrt', max_lr: 0.8, warmup },
      (it) => ({ lr: 0.8 * (it < W ? it / W : Math.sqrt(W / it)) }),
      length,
    );
    matches(
      { type: 'inverse-sqrt', max_lr: 0.8, warmup, timescale: { iterations: 150 } },
      (it) => ({ lr: 0.8 * (it < W ? it / W : ((it + 150 - W) / 150) ** -0.5) }),
      length,
    );
    matches({ type: 'inverse-sqrt', max_lr: 0.8 }, (it) => ({ lr: 0.8 * ((it + 10_000) / 10_000) ** -0.5 }), length);
  });

  const decays = {
    linear: (p: number) => 1 - p,
    cosine: (p: number) => cosineTo(p),
    '1-sqrt': (p: number) => 1 - p ** 0.5,
  };
  test.each(Object.entries(decays))('wsd, %s', (decay_shape, decayTo) => {
    matches(
      { type: 'wsd', max_lr: 0.8, min_lr: 0.08, warmup, decay: { iterations: 90 }, decay_shape },
      (it) => {
        if (it < W) return { lr: (0.8 * it) / W };
        return { lr: it < 410 ? 0.8 : 0.8 * (0.9 * decayTo((it - 410) / 90) + 0.1), momentum: 0.9 };
      },
      length,
    );
  });

  test('wsd by default decays by 1-sqrt in the last fifth, and its warm-up can be a cosine', () => {
    matches(
      { type: 'wsd', max_lr: 0.8, warmup, warmup_shape: 'cosine' },
      (it) => {
        if (it < W) return { lr: 0.4 * (1 - Math.cos((Math.PI * it) / W)) };
        return { lr: 0.8 * (1 - Math.sqrt(Math.max(0, it - 400) / 100)) };
      },
      length,
    );
  });
});

test('flat-cos is flat for three quarters of the run, then a cosine to a hundred-thousandth', () => {
  matches({ type: 'flat-cos', max_lr: 0.8 }, (it, { iterations }) => {
    const x = Math.max(0, it / iterations - 0.75) / 0.25;
    return { lr: 8e-6 + (0.8 - 8e-6) * 0.5 * (1 + Math.cos(Math.PI * x)), momentum: 0.9 };
  });
});

test('rex is arXiv:2107.04197: (1 - x) / (1/2 + (1 - x) / 2)', () => {
  matches({ type: 'rex', max_lr: 0.8 }, (it, { iterations }) => {
    const left = 1 - it / iterations;
    return { lr: (0.8 * left) / (0.5 + 0.5 * left), momentum: 0.9 };
  });
  matches({ type: 'rex', max_lr: 0.8, min_lr: 0.1, warmup: { iterations: 10 } }, (it, { iterations }) => {
    const x = (it - 10) / (iterations - 10);
    return { lr: it < 10 ? 0.08 * it : 0.1 + (0.7 * (1 - x)) / (1 - x / 2) };
  });
});

test('demon is arXiv:1910.04952: the weight m / (1 - m) falls linearly to 0', () => {
  for (const type of [{ type: 'constant' }, { type: 'cosine', max_lr: 0.1 }, { type: 'clr-beta', max_lr: 0.8 }]) {
    matches({ ...type, momentum: { demon: 0.9 } }, (it, { iterations }) => {
      const weight = (0.9 / 0.1) * (1 - it / iterations);
      return { momentum: weight / (1 + weight) };
    });
  }
});

test('triangles may have halves of unequal length (CyclicLR of torch)', () => {
  const options = { base_lr: 0.1, max_lr: 3, step_size: { iterations: 20 }, step_size_down: { iterations: 50 } };
  const scales = { triangular: () => 1, triangular2: (cycle: number) => 1 / 2 ** (cycle - 1) };
  for (const [type, scale] of Object.entries(scales)) {
    matches({ type, ...options }, (it) => {
      const cycle = Math.floor(1 + it / 70);
      const x = 1 + it / 70 - cycle;
      const height = (x <= 2 / 7 ? x / (2 / 7) : (x - 1) / (2 / 7 - 1)) * scale(cycle);
      return { lr: 0.1 + 2.9 * height, momentum: 0.95 - 0.1 * height };
    });
  }
});

describe('pieces', () => {
  test('cosine with restarts is SGDR', () => {
    const cycles = (lengths: number[]) => (it: number) => {
      let start = 0;
      for (const T of lengths) {
        if (it < start + T)
          return { lr: 0.01 + ((0.5 - 0.01) / 2) * (1 + Math.cos((Math.PI * (it - start)) / T)), momentum: 0.9 };
        start += T;
      }
      throw new Error('past the end');
    };
    const run = [{ iterations: 700, iterationsPerEpoch: 10 }];
    const options = { type: 'cosine', max_lr: 0.5, min_lr: 0.01 };
    matches(options, cycles([700]), run);
    matches({ ...options, cycles: 7 }, cycles(Array<number>(7).fill(100)), run);
    matches({ ...options, cycles: 3, cycle_mult: 2 }, cycles([100, 200, 400]), run);
  });

  test('phases take durations in epochs, iterations and shares, one takes the rest, and each has its shape', () => {
    const phases = [
      { epochs: 1.5, lr: [0.1, 1], momentum: [0.95, 0.85] },
      { iterations: 20, lr: [1, 0.01], shape: 'exponential' },
      { share: '1/10', lr: [0.01, 0.5], shape: 'polynomial', power: 3 },
      { share: 0.3, lr: [0.5, 0], shape: 'cosine', momentum: 0.8 },
      { lr: 0.2 },
    ];
    const formula = (it: number) => {
      if (it < 15) return { lr: 0.1 + (0.9 * it) / 15, momentum: 0.95 - (0.1 * it) / 15 };
      if (it < 35) return { lr: 10 ** ((-2 * (it - 15)) / 20), momentum: 0.9 };
      if (it < 45) return { lr: 0.5 - 0.49 * (1 - (it - 35) / 10) ** 3, momentum: 0.9 };
      if (it < 75) return { lr: 0.25 * (1 + Math.cos((Math.PI * (it - 45)) / 30)), momentum: 0.8 };
      return { lr: 0.2, momentum: 0.9 };
    };
    matches({ type: 'phases', phases }, formula, [{ iterations: 100, iterationsPerEpoch: 10 }]);
  });

  test('phases may begin at an LR of 0 and end between two updates', () => {
    const phases = [
      { share: '1/3', lr: [0, 1], momentum: [0.95, 0.85] },
      { lr: [1, 0], momentum: [0.85, 0.95] },
    ];
    matches({ type: 'phases', phases, round_ends: false }, (it, { iterations }) => {
      const x = (3 * it) / iterations;
      const height = x < 1 ? x : (3 - x) / 2;
      return { lr: height, momentum: 0.95 - 0.1 * height };
    });
  });

  test('constant is constant', () => {
    matches({ type: 'constant', lr: 0.1, momentum: 0.8 }, () => ({ lr: 0.1, momentum: 0.8 }));
  });
});

describe('the configs', () => {
  const beta = (max: number, div: number, pct: number, high = 0.95, low = 0.85) => {
    return (it: number, n: number) => useClrBeta(max, div, pct, [high, low], it, n);
  };
  const cycle = beta(0.8, 10, 13.68);
  const smith = (m0: number, m1: number) => (it: number, n: number) => {
    const { lr, momentum } = logged(Math.trunc((n * 41) / 95), it);
    return { lr, momentum: m0 + ((0.95 - momentum) / 0.1) * (m1 - m0) };
  };
  const constant = (momentum: number) => () => ({ lr: 0.1, momentum });
  const constantLr = (a: number, b: number, end: number) => (it: number, n: number) => {
    const [peak, foot] = [Math.round((41 / 95) * n), Math.round((82 / 95) * n)];
    if (it >= foot) return { lr: 0.1, momentum: a + ((end - a) * (it - foot)) / (n - foot) };
    return { lr: 0.1, momentum: it < peak ? a + ((b - a) * it) / peak : b + ((a - b) * (it - peak)) / (foot - peak) };
  };
  const sources: Record<string, (it: number, n: number) => Hyperparameters> = {
    '1cycle': cycle,
    '1cycle-constant-lr': constant(0.9),
    '1cycle-constant-momentum': beta(0.8, 10, 13.68, 0.9, 0.9),
    '1cycle-constant-step-size': (it, n) => {
      const { lr, momentum } = cycle(it, n);
      return { lr: (lr * (1 - momentum)) / 0.1, momentum };
    },
    '1cycle-lr3-50': beta(3, 20, 10),
    '1cycle-lr3-50-constant-momentum': beta(3, 20, 10, 0.9, 0.9),
    '1cycle-lr3-70': beta(3, 20, 10),
    '1cycle-lr3-95': beta(3, 20, 10),
    '1cycle-short-cycle': beta(0.8, 10, 50),
    adamw: beta(0.003, 10, 7.5),
    'paper-clr-momentum-0.85': smith(0.85, 0.85),
    'paper-clr-momentum-0.90': smith(0.9, 0.9),
    'paper-clr-momentum-0.90-1.00': smith(0.9, 1),
    'paper-clr-momentum-0.95': smith(0.95, 0.95),
    'paper-clr-momentum-0.95-0.85': smith(0.95, 0.85),
    'paper-lr-0.1-momentum-0.85': constant(0.85),
    'paper-lr-0.1-momentum-0.90': constant(0.9),
    'paper-lr-0.1-momentum-0.90-1.00': constantLr(0.9, 1, 0.91585),
    'paper-lr-0.1-momentum-0.95': constant(0.95),
    'paper-lr-0.1-momentum-0.95-0.85': constantLr(0.95, 0.85, 0.93415),
    'paper-solver': smith(0.95, 0.95),
    'super-convergence': (it) => ({
      lr: it < 5000 ? 0.1 + (2.9 * it) / 5000 : 3 - (2.9 * (it - 5000)) / 5000,
      momentum: 0.9,
    }),
    'super-convergence-multi-step': (it) => ({ lr: it < 50_000 ? 0.35 : it < 70_000 ? 0.035 : 0.0035, momentum: 0.9 }),
    'thread-adam': cycle,
    'thread-constant-lr': constant(0.9),
    'thread-constant-momentum': beta(0.8, 10, 13.68, 0.9, 0.9),
    'thread-cosine-tail': (it, n) => {
      const c = Math.trunc((n * (1 - 13.68 / 100)) / 2);
      const x = (it - 2 * c) / (n - 2 * c);
      return x <= 0 ? cycle(it, n) : { lr: 0.08 * (1 - (0.99 * (1 - Math.cos(Math.PI * x))) / 2), momentum: 0.95 };
    },
    'thread-cyclical-momentum': cycle,
    'thread-first-layer-momentum': cycle,
    'thread-half-cycle-10': beta(0.8, 10, 78.947),
    'thread-half-cycle-20': beta(0.8, 10, 20),
    'thread-max-lr-0.3': beta(0.3, 10, 13.68),
    'thread-standard-net': beta(0.8, 10, 13.68, 0.95, 0.8),
    'thread-use-clr': (it, n) => ({ ...useClr(0.8, 10, 95 / 41, [0, 0], it, n), momentum: 0.9 }),
  };
  const files = readdirSync('configs').filter((file) => file.startsWith('rn56-'));

  test.each(files)('%s agrees with its source at each iteration', (file) => {
    const config = loadConfig(`configs/${file}`);
    const source = sources[file.replace(/^rn56-|\.json$/g, '')];
    const rows = [...scheduleRows(config)];
    const worst = rows.reduce((most, row) => {
      const want = source!(row.iteration, rows.length);
      return Math.max(most, Math.abs(row.lr - want.lr), Math.abs(row.momentum - want.momentum));
    }, 0);
    expect(worst).toBeLessThan(1e-9);
  });
});
