import { tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import type { Parameter } from '../models/model.js';
import { optimizers } from './index.js';

/** One parameter of value 1, through steps that differ in gradient, LR and momentum; its value after each. */
function valuesOf(options: object, momenta: number[]): number[] {
  const parameter: Parameter = { name: 'layer.filter', role: 'filter', value: tensor([1]) };
  const config = optimizers.schema.parse({ type: 'sgd', weight_decay: 0, ...options });
  const optimizer = optimizers.create(config, [parameter]);
  return momenta.map((momentum, t) => {
    optimizer.step([tensor([gradients[t]!])], { lr: rates[t]!, momentum });
    return parameter.value.dataSync()[0]!;
  });
}
const gradients = [1, -2, 0.5];
const rates = [0.1, 0.3, 0.2];

describe('SGD takes momentum and LR anew at each step', () => {
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

  test('so that another momentum at the second step alone gives another result', () => {
    const [first, second] = valuesOf({}, [0.9, 0.5]);
    const [sameFirst, otherSecond] = valuesOf({}, [0.9, 0.9]);
    expect(sameFirst).toBe(first);
    expect(second! - otherSecond!).toBeCloseTo(0.3 * (0.9 - 0.5) * 1, 6);
  });
});
