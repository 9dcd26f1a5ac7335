import { tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import { Tape } from '../ops/tape.js';
import { randomStream } from '../random.js';
import { models } from './index.js';

const make = (size = 32) => {
  const config = models.schema.parse({ type: 'cifar3' });
  return models.create(config, { inputShape: [size, size, 3], classes: 10, random: randomStream(1, 'init'), seed: 1 });
};

beforeAll(() => cpu.activate({ precision: 'f32' }));

it('has the sizes, initial deviations and multipliers of cifar3.prototxt', () => {
  const rows = make().parameters.map(({ name, value, multipliers }) => {
    const values = [...value.dataSync()];
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    return [name, value.size, Number(deviation.toPrecision(1)), multipliers?.lr ?? 1, multipliers?.decay ?? 1];
  });
  expect(rows).toEqual([
    ['conv1.filter', 2400, 0.0001, 1, 1],
    ['conv1.bias', 32, 0, 2, 1],
    ['conv2.filter', 25_600, 0.01, 1, 1],
    ['conv2.bias', 32, 0, 2, 1],
    ['conv3.filter', 51_200, 0.01, 1, 1],
    ['conv3.bias', 64, 0, 1, 1],
    ['ip1.weights', 10_240, 0.01, 1, 250],
    ['ip1.bias', 10, 0, 2, 0],
  ]);
  expect(rows.reduce((sum, [, size]) => sum + (size as number), 0)).toBe(89_578);
});

it.each([8, 9, 13])('takes images of %d pixels, and gives a gradient for each parameter', (size) => {
  const model = make(size);
  const pixels = Float32Array.from({ length: 2 * size * size * 3 }, (_, i) => 100 * Math.sin(i));
  const tape = new Tape(true);
  const logits = model.forward(tape, tensor4d(pixels, [2, size, size, 3]));
  expect(logits.shape).toEqual([2, 10]);
  const values = model.parameters.map((p) => p.value);
  const gradients = tape.gradients(logits, logits.clone(), values);
  expect(gradients.map((g) => g.shape)).toEqual(values.map((v) => v.shape));
  for (const gradient of gradients) expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
});
