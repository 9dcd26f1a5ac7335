import { memory, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import type { Multipliers, Parameter } from '../models/model.js';
import { optimizers } from './index.js';
import type { Optimizer } from './optimizer.js';

const make = (options: object, values = [[1, -2, 3], [0.5]]) => {
  const roles = ['filter', 'scale'] as const;
  const parameters = values.map((v, k): Parameter => ({ name: `layer${k}.x`, role: roles[k]!, value: tensor(v) }));
  return { parameters, optimizer: optimizers.create(optimizers.schema.parse(options), parameters) };
};
const step = (optimizer: Optimizer, t: number, momentum = 0.9) =>
  optimizer.step([tensor([Math.sin(t), Math.cos(t), 1]), tensor([0])], { lr: 0.1, momentum });
const numbers = (variables: { value: Parameter['value'] }[]) => variables.map(({ value }) => [...value.dataSync()]);

describe.each(['adam', 'adamw'])('%s', (type) => {
  beforeAll(() => cpu.activate({ precision: 'f32' }));

  test('continues exactly from its saved state, including the number of steps', () => {
    const whole = make({ type });
    for (let t = 0; t < 6; t++) step(whole.optimizer, t);
    const first = make({ type });
    for (let t = 0; t < 3; t++) step(first.optimizer, t);
    const second = make({ type }, numbers(first.parameters));
    second.optimizer.state.forEach((variable, i) => {
      const saved = first.optimizer.state[i]!;
      expect(variable.name).toBe(saved.name);
      variable.value = tensor([...saved.value.dataSync()], saved.value.shape);
    });
    for (let t = 3; t < 6; t++) step(second.optimizer, t);
    expect(numbers(second.parameters)).toEqual(numbers(whole.parameters));
    expect(numbers(second.optimizer.state)).toEqual(numbers(whole.optimizer.state));
  });

  test('leaves no tensor behind', () => {
    const { optimizer } = make({ type });
    const before = memory().numTensors;
    for (let t = 0; t < 3; t++) step(optimizer, t);
    expect(memory().numTensors).toBe(before);
  });

  test('takes beta1 from the schedule only when asked to', () => {
    const after = (cycle_beta1: boolean, momentum: number) => {
      const { parameters, optimizer } = make({ type, cycle_beta1 });
      for (let t = 0; t < 3; t++) step(optimizer, t, momentum);
      return numbers(parameters);
    };
    expect(after(true, 0.5)).not.toEqual(after(true, 0.9));
    expect(after(false, 0.5)).toEqual(after(false, 0.9));
    expect(after(false, 0.5)).toEqual(after(true, 0.9));
  });

  test("decays batch norm's scale unless told not to", () => {
    const scaleAfter = (decay_batch_norm: boolean) => {
      const { parameters, optimizer } = make({ type, weight_decay: 0.5, decay_batch_norm });
      step(optimizer, 0);
      return numbers(parameters)[1]![0];
    };
    expect(scaleAfter(false)).toBe(0.5);
    expect(scaleAfter(true)).toBeLessThan(0.5);
  });

  test("applies a parameter's multipliers", () => {
    const after = (multipliers: Multipliers | undefined, weight_decay: number) => {
      const parameters: Parameter[] = [{ name: 'a.filter', role: 'filter', value: tensor([1]), multipliers }];
      const optimizer = optimizers.create(optimizers.schema.parse({ type, weight_decay }), parameters);
      optimizer.step([tensor([0.5])], { lr: 0.1, momentum: 0.9 });
      return parameters[0]!.value.dataSync()[0]!;
    };
    expect(1 - after({ lr: 2 }, 0)).toBeCloseTo(2 * (1 - after(undefined, 0)), 6);
    expect(after({ decay: 3 }, 0.1)).toBe(after(undefined, 3 * 0.1));
    expect(after({ decay: 0 }, 0.1)).toBe(after(undefined, 0));
  });

  test('rejects weight_decay_mode, which the type decides', () => {
    expect(optimizers.schema.safeParse({ type, weight_decay_mode: 'l2' }).success).toBe(false);
  });
});
