import { tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import { Tape } from '../ops/tape.js';
import { randomStream } from '../random.js';
import { models } from './index.js';
import type { Model } from './model.js';

const make = (options: object): Model => {
  const random = randomStream(1, 'init');
  const config = models.schema.parse({ type: 'resnet', ...options });
  return models.create(config, { inputShape: [32, 32, 3], classes: 10, random, seed: 1 });
};
const smithWide = {
  type: 'wide-resnet',
  blocks: [5, 5, 5],
  channels: [16, 64, 256],
  bn_placement: 'smith',
  shortcut: 'projection-2x2',
  conv_bias: true,
};
const size = (model: Model) => model.parameters.reduce((sum, { value }) => sum + value.size, 0);

beforeAll(() => cpu.activate({ precision: 'f32' }));

describe('the number of parameters for CIFAR-10', () => {
  it.each([
    ['He et al., option A', 853_018, { depth: 56, shortcut: 'identity-pad' }],
    ['He et al., option B', 855_770, { depth: 56, shortcut: 'projection' }],
    ['option A by pooling', 853_018, { depth: 56, shortcut: 'avgpool-concat' }],
    [
      "Smith's gResnet56",
      860_874,
      { bn_placement: 'smith', shortcut: 'projection-2x2', blocks: [8, 9, 9], conv_bias: true },
    ],
    ['ResNet-20', 269_722, { depth: 20 }],
    ['ResNet-110', 1_727_962, { depth: 110 }],
    ['WRN-28-10', 36_479_194, { type: 'wide-resnet' }],
    ['WRN-40-4', 8_949_210, { type: 'wide-resnet', depth: 40, width: 4 }],
    ['WRN-16-1', 175_066, { type: 'wide-resnet', depth: 16, width: 1 }],
    ["Smith's wide32cifar", 5_903_626, smithWide],
    ['DenseNet-40, growth 12', 1_019_722, { type: 'densenet' }],
    ['DenseNet-100, growth 24', 27_249_082, { type: 'densenet', depth: 100, growth: 24 }],
  ])('of %s is %d', (_name, expected, options) => {
    expect(size(make(options))).toBe(expected);
  });

  it('refuses a depth that is not 6n+2', () => {
    expect(() => make({ depth: 57 })).toThrow(/6n\+2/);
  });
});

it('refuses depths of other nets for wide-resnet and densenet', () => {
  expect(() => make({ type: 'wide-resnet', depth: 26 })).toThrow(/6n\+4/);
  expect(() => make({ type: 'densenet', depth: 41 })).toThrow(/3n\+4/);
});

describe("the head of Smith's nets", () => {
  it('has a bias with its own multipliers', () => {
    const biasOf = (options: object) => make({ depth: 8, ...options }).parameters.at(-1)!;
    expect(biasOf({ head_bias_multipliers: [2, 0] })).toMatchObject({ multipliers: { lr: 2, decay: 0 } });
    expect(biasOf({})).toMatchObject({ name: 'head.bias', multipliers: { lr: 1, decay: 1 } });
  });
});

describe.each([
  ['wide-resnet', { type: 'wide-resnet', depth: 10, width: 2, dropout: 0.3 }],
  ['densenet', { type: 'densenet', depth: 10, growth: 4, dropout: 0.3, compression: 0.5 }],
])('%s', (_type, options) => {
  const pixels = Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i));
  const x = () => tensor4d(pixels, [2, 8, 8, 3]);

  it('gives finite logits and a gradient for each parameter', () => {
    const model = make(options);
    const tape = new Tape(true);
    const logits = model.forward(tape, x());
    const values = model.parameters.map((p) => p.value);
    const gradients = tape.gradients(logits, logits.clone(), values);
    expect(gradients.map((g) => g.shape)).toEqual(values.map((v) => v.shape));
    for (const gradient of gradients) expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
  });

  it('drops different values at each iteration, the same for the same seed, and none outside training', () => {
    const logitsAt = (iteration: number, training = true) =>
      make(options).forward(new Tape(training, iteration), x()).dataSync();
    expect(logitsAt(3)).toEqual(logitsAt(3));
    expect(logitsAt(4)).not.toEqual(logitsAt(3));
    expect(logitsAt(4, false)).toEqual(logitsAt(3, false));
  });
});

it('projection-2x2 is refused for images that it cannot halve', () => {
  const config = models.schema.parse({ type: 'resnet', depth: 8, shortcut: 'projection-2x2' });
  const context = { classes: 10, random: randomStream(1, 'init'), seed: 1 };
  expect(() => models.create(config, { ...context, inputShape: [30, 30, 3] })).toThrow(
    'model.shortcut: projection-2x2 cannot halve images of 30 x 30 2 times',
  );
});

describe.each(['post-conv', 'after-add', 'pre-activation', 'smith'])('batch norm placed %s', (bn_placement) => {
  it.each(['identity-pad', 'projection', 'projection-2x2', 'avgpool-concat'])(
    'gives finite logits and a gradient for each parameter with %s',
    (shortcut) => {
      const model = make({ depth: 8, bn_placement, shortcut, conv_bias: true });
      const x = tensor4d(
        Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i)),
        [2, 8, 8, 3],
      );
      const tape = new Tape(true);
      const logits = model.forward(tape, x);
      expect(logits.shape).toEqual([2, 10]);
      const dy = logits.clone();
      const gradients = tape.gradients(
        logits,
        dy,
        model.parameters.map((p) => p.value),
      );
      gradients.forEach((gradient, i) => {
        expect(gradient.shape).toEqual(model.parameters[i]!.value.shape);
        expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
      });
    },
  );
});

it('has unique names for all variables', () => {
  const { parameters, statistics } = make({ depth: 20, shortcut: 'projection' });
  const names = [...parameters, ...statistics].map((v) => v.name);
  expect(new Set(names).size).toBe(names.length);
});
