import { tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import type { Multipliers, Parameter } from '../models/model.js';
import { optimizers } from './index.js';

/** Values of a parameter, at first 1, after each of several steps that differ in gradient, LR and momentum. */
function valuesOf(options: object, momenta: number[], multipliers?: Multipliers): number[] {
  const parameter: Parameter = { name: 'layer.filter', role: 'filter', value: tensor([1]), multipliers };
  const config = optimizers.schema.parse({ type: 'sgd', weight_decay: 0, ...options });
  const optimizer = optimizers.create(config, [parameter]);
  return momenta.map((momentum, t) => {
    optimizer.step([tensor([gradients[t]!])], { lr: rates[t]!, momentum });
    return parameter.value.dataSync()[0]!;
  });
}
const gradients = [1, -2, 0.5];
const rates = [0.1, 0.3, 0.2];

describe('SGD takes new momentum and LR at each step', () => {
  beforeAll(() => cpu.activate({ precision: 'f32' }));

  // By hand, with momentum 0.9, then 0.5, then 0.25.
  test.each([
    // v: 1; 0.5 * 1 - 2 = -1.5; 0.25 * -1.5 + 0.5 = 0.125
    ['outside', [1 - 0.1 * 1, 0.9 + 0.3 * 1.5, 1.35 - 0.2 * 0.125]],
    // v: 0.1; 0.5 * 0.1 - 0.3 * 2 = -0.55; 0.25 * -0.55 + 0.2 * 0.5 = -0.0375
    ['inside', [1 - 0.1, 0.9 + 0.55, 1.45 + 0.0375]],
  ])('with the LR %s the velocity, as worked out by hand', (lr_placement, expected) => {
    for (const [t, value] of valuesOf({ lr_placement }, [0.9, 0.5, 0.25]).entries())
      expect(value).toBeCloseTo(expected[t]!, 6);
  });

  test('so that a different momentum at the second step alone gives a different result', () => {
    const [first, second] = valuesOf({}, [0.9, 0.5]);
    const [sameFirst, otherSecond] = valuesOf({}, [0.9, 0.9]);
    expect(sameFirst).toBe(first);
    expect(second! - otherSecond!).toBeCloseTo(0.3 * (0.9 - 0.5) * 1, 6);
  });
});

describe("Nesterov's momentum with the LR inside is Caffe's", () => {
  beforeAll(() => cpu.activate({ precision: 'f32' }));

  /** v' = m v + lr_mult lr (g + decay_mult wd w); w -= (1 + m) v' - m v, as NesterovSolver computes it, in doubles. */
  function caffe(w: number, lrMult: number, decayMult: number, wd: number, momenta: number[]): number[] {
    let v = 0;
    return momenta.map((m, t) => {
      const next = m * v + lrMult * rates[t]! * (gradients[t]! + decayMult * wd * w);
      w -= (1 + m) * next - m * v;
      v = next;
      return w;
    });
  }

  test.each([
    [1, 1],
    [2, 1],
    [1, 250],
    [2, 0],
  ])('for a parameter with the multipliers %d of the LR and %d of the weight decay', (lr, decay) => {
    const momenta = [0.95, 0.9, 0.85];
    const options = { nesterov: true, lr_placement: 'inside', weight_decay: 0.003 };
    const values = valuesOf(options, momenta, { lr, decay });
    for (const [t, expected] of caffe(1, lr, decay, 0.003, momenta).entries())
      expect(values[t]! / expected).toBeCloseTo(1, 5);
  });
});

test.each([
  [[], ['filter', 'weights', 'bias', 'scale', 'shift']],
  [['norm'], ['filter', 'weights', 'bias']],
  [
    ['bias', 'norm'],
    ['filter', 'weights'],
  ],
])('no_decay %o leaves weight decay to %o', async (no_decay, expected) => {
  await cpu.activate({ precision: 'f32' });
  const roles = ['filter', 'weights', 'bias', 'scale', 'shift'] as const;
  const parameters = roles.map((role): Parameter => ({ name: `layer.${role}`, role, value: tensor([1]) }));
  const optimizer = optimizers.create(
    optimizers.schema.parse({ type: 'sgd', weight_decay: 0.5, no_decay }),
    parameters,
  );
  const none = parameters.map(() => tensor([0]));
  optimizer.step(none, { lr: 0.1, momentum: 0.9 });
  expect(parameters.filter(({ value }) => value.dataSync()[0]! < 1).map(({ role }) => role)).toEqual(expected);
});
