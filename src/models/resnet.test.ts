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
  return models.create(config, { inputShape: [32, 32, 3], classes: 10, random });
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
  ])('of %s is %d', (_name, expected, options) => {
    expect(size(make(options))).toBe(expected);
  });

  it('refuses a depth that is not 6n+2', () => {
    expect(() => make({ depth: 57 })).toThrow(/6n\+2/);
  });
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
