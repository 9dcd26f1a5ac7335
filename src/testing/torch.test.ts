import { type Tensor, type Tensor1D, type Tensor2D, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import type { Parameter } from '../models/model.js';
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.js';
import { optimizers } from '../optimizers/index.js';
import { schedules } from '../schedules/index.js';
import { askTorch } from './torch.js';

/** Five numbers in two parameters, and six steps, each with its own gradients, LR and momentum. */
const start = [
  [0.5, -1.25, 2],
  [0.75, -0.125],
];
const gradients = [1, 2, 3, 4, 5, 6].map((t) =>
  start.map((p, k) => p.map((_, i) => Math.fround(Math.sin(t * (1 + i + 3 * k))))),
);
const lr = [0.01, 0.05, 0.1, 0.05, 0.01, 0.002];
const momentum = [0.95, 0.9, 0.85, 0.9, 0.95, 0.95];

/**
 * [ours, torch's class, its options, whether momentum (or beta1) changes at each step, the parameters after the last
 * step]. The last column is from torch 1.13: the `optimizers` that `python3 scripts/torch-reference.py` writes for
 * these cases.
 */
type OptimizerCase = [
  { type: string; clip_norm?: number } & Record<string, unknown>,
  'SGD' | 'Adam' | 'AdamW',
  object,
  boolean,
  number[],
];
const optimizerCases: OptimizerCase[] = [
  [
    { type: 'sgd', weight_decay: 0 },
    'SGD',
    { momentum: 0.9 },
    true,
    [0.224897255, -1.280039026, 1.989019338, 0.79335987, -0.01279533],
  ],
  [
    { type: 'sgd', weight_decay: 0.1 },
    'SGD',
    { momentum: 0.9, weight_decay: 0.1 },
    true,
    [0.199309224, -1.207062829, 1.872857602, 0.749571662, -0.007917851],
  ],
  [
    { type: 'sgd', weight_decay: 0, nesterov: true },
    'SGD',
    { momentum: 0.9, nesterov: true },
    true,
    [0.240005972, -1.264957414, 1.984482896, 0.806713473, -0.096911915],
  ],
  [
    { type: 'sgd', weight_decay: 0.1, nesterov: true },
    'SGD',
    { momentum: 0.9, weight_decay: 0.1, nesterov: true },
    true,
    [0.210772119, -1.174549166, 1.838912798, 0.752429791, -0.091749373],
  ],
  [
    { type: 'adam', weight_decay: 0 },
    'Adam',
    {},
    true,
    [0.396605609, -1.22920543, 1.982072839, 0.76050151, -0.112700085],
  ],
  [
    { type: 'adam', weight_decay: 0, cycle_beta1: false, beta1: 0.8, beta2: 0.9, epsilon: 0.001 },
    'Adam',
    { betas: [0.8, 0.9], eps: 0.001 },
    false,
    [0.352480399, -1.256798506, 1.985030798, 0.770117328, -0.059043143],
  ],
  [
    { type: 'adam', weight_decay: 0.1, beta2: 0.99 },
    'Adam',
    { betas: [0.9, 0.99], weight_decay: 0.1 },
    true,
    [0.390942724, -1.200522087, 1.891383655, 0.743600497, -0.110699065],
  ],
  [
    { type: 'adamw', weight_decay: 0.1 },
    'AdamW',
    { weight_decay: 0.1 },
    true,
    [0.386726453, -1.201789348, 1.938036013, 0.7440161, -0.110632021],
  ],
  [
    { type: 'adamw', weight_decay: 0.3, cycle_beta1: false, beta2: 0.99 },
    'AdamW',
    { betas: [0.9, 0.99], weight_decay: 0.3 },
    false,
    [0.314664765, -1.183154213, 1.853836863, 0.723541166, -0.038782801],
  ],
  [
    { type: 'sgd', weight_decay: 0.1, clip_norm: 1 },
    'SGD',
    { momentum: 0.9, weight_decay: 0.1 },
    true,
    [0.303214868, -1.173235834, 1.852394607, 0.761107257, -0.096259953],
  ],
  [
    { type: 'adamw', weight_decay: 0.1, clip_norm: 1.5 },
    'AdamW',
    { weight_decay: 0.1 },
    true,
    [0.38505, -1.196494131, 1.932831184, 0.747019183, -0.117039384],
  ],
];

/** Three images of five classes. */
const lossCases = [0, 0.1, 0.5].map((label_smoothing) => ({
  logits: [0, 1, 2].map((n) => [0, 1, 2, 3, 4].map((k) => Math.fround(3 * Math.sin(7 * n + 2 * k)))),
  labels: [4, 0, 2],
  label_smoothing,
}));

const pct41 = 41 / 95;

/** [updates, our options, torch's options] of OneCycleLR. */
const scheduleCases: [number, object, object][] = [
  ...[1, 2, 3, 4, 5, 100, 9310].map((n): [number, object, object] => [n, { max_lr: 0.8 }, { max_lr: 0.8 }]),
  [100, { max_lr: 0.8, anneal: 'linear' }, { max_lr: 0.8, anneal_strategy: 'linear' }],
  [
    977,
    { max_lr: 2, div: 10, final_div: 500, pct_start: 0.2, momentum: 0.9 },
    { max_lr: 2, div_factor: 10, final_div_factor: 50, pct_start: 0.2, cycle_momentum: false },
  ],
  ...[1, 2, 3, 4, 5, 100, 9310].map((n): [number, object, object] => [
    n,
    { max_lr: 0.8, div: 10, final_div: 1000, pct_start: pct41, anneal: 'linear', three_phase: true },
    {
      max_lr: 0.8,
      div_factor: 10,
      final_div_factor: 100,
      pct_start: pct41,
      anneal_strategy: 'linear',
      three_phase: true,
    },
  ]),
  [
    250,
    { max_lr: 3, pct_start: 0.45, three_phase: true, max_momentum: 0.97, min_momentum: 0.8 },
    { max_lr: 3, pct_start: 0.45, three_phase: true, max_momentum: 0.97, base_momentum: 0.8 },
  ],
];

interface Reference {
  version: string;
  schedules: [lr: number, momentum: number][][];
  optimizers: number[][][];
  losses: [loss: number, gradient: number[][]][];
}

const torch = askTorch<Reference>('scripts/torch-reference.py', {
  schedules: scheduleCases.map(([total_steps, , options]) => ({ total_steps, options })),
  optimizers: optimizerCases.map(([{ clip_norm }, name, options, cycles]) => {
    return { name, options, parameters: start, gradients, lr, momentum: cycles ? momentum : null, clip_norm };
  }),
  losses: lossCases,
});

describe.each(optimizerCases)('%o', (ours, _name, _options, cycles, after) => {
  beforeAll(() => cpu.activate({ precision: 'f32' }));

  const trained = (): number[] => {
    const parameters = start.map((p, k): Parameter => ({ name: `layer${k}.filter`, role: 'filter', value: tensor(p) }));
    const optimizer = optimizers.create(optimizers.schema.parse(ours), parameters);
    gradients.forEach((g, t) => {
      const step = { lr: lr[t]!, momentum: cycles ? momentum[t]! : 0.5 };
      optimizer.step(
        g.map((values): Tensor => tensor(values)),
        step,
      );
    });
    return parameters.flatMap(({ value }) => [...value.dataSync()]);
  };

  test('ends six steps of changing LR and momentum where torch 1.13 did', () => {
    expectClose(trained(), after, 1e-6);
  });

  test.skipIf(!torch)('ends them where the torch at hand does', () => {
    expectClose(trained(), torch!.optimizers[optimizerCases.findIndex((c) => c[0] === ours)]!.flat(), 1e-6);
  });
});

describe.skipIf(!torch)("cross-entropy is torch's", () => {
  beforeAll(() => cpu.activate({ precision: 'f32' }));

  test.each(lossCases)('with label smoothing $label_smoothing', ({ logits, labels, label_smoothing }) => {
    const label = tensor(labels, [3], 'float32') as Tensor1D;
    const { metrics, gradient } = softmaxCrossEntropy(tensor(logits) as Tensor2D, label, label_smoothing);
    const [loss, slopes] = torch!.losses[lossCases.findIndex((c) => c.label_smoothing === label_smoothing)]!;
    expectClose([metrics.dataSync()[0]!, ...gradient.dataSync()], [loss, ...slopes.flat()], 1e-6);
  });
});

function expectClose(got: number[], want: number[], tolerance: number): void {
  expect(got).toHaveLength(want.length);
  const worst = Math.max(...got.map((value, i) => Math.abs(value - want[i]!)));
  expect(worst).toBeLessThan(tolerance);
}

describe.skipIf(!torch)('one-cycle, preset pytorch', () => {
  test.each(scheduleCases)('%d updates of %o are those of OneCycleLR', (iterations, ours, options) => {
    const config = schedules.schema.parse({ type: 'one-cycle', preset: 'pytorch', ...ours });
    const schedule = schedules.create(config, { iterations, iterationsPerEpoch: 98 });
    const used = torch!.schedules[scheduleCases.findIndex((c) => c[0] === iterations && c[2] === options)]!;
    const got = Array.from({ length: iterations }, (_, t) => schedule(t));
    expectClose(
      got.flatMap(({ lr, momentum }) => [lr, momentum]),
      used.flat(),
      1e-9,
    );
  });
});
