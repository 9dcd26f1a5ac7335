import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../ops/kernel.js';
import { loadAddon } from './addon.js';
import { onednn } from './index.js';

// That the kernels compute what the reference does is tested in ../backends.test.ts.

const availability = await onednn.probe();
if (!availability.usable) console.warn(`onednn skipped: ${availability.reason}; ${availability.remedy}`);

const zeros = (...shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((product, size) => product * size)), shape);

describe.runIf(availability.usable)('the onednn backend', () => {
  beforeAll(() => onednn.activate({ precision: 'f32' }));

  it('names the bytes that there is no memory for, and goes on', () => {
    const { allocate } = loadAddon();
    expect(() => allocate(2 ** 50)).toThrow(new RangeError('no memory for 1125899906842624 bytes'));
    expect(allocate(64).byteLength).toBe(64);
  });

  it.each([
    [
      'Dense',
      { x: zeros(2, 3), weights: zeros(4, 5), bias: zeros(5) },
      {},
      'weights has shape [4,5] where [3,5] is needed',
    ],
    ['DenseGrad', { dy: zeros(1, 5), x: zeros(2, 3), weights: zeros(3, 5) }, {}, 'dy has shape [1,5] where [2,5]'],
    ['BiasAdd', { x: zeros(2, 3), bias: zeros(4) }, {}, 'bias has shape [4] where [3]'],
    ['SoftmaxCrossEntropy', { logits: zeros(2, 3), labels: tensor([0, 3]) }, {}, 'label 3 among 3 classes'],
    ['SgdUpdate', [zeros(2), zeros(3), zeros(2)], {}, 'has shape [3] where [2]'],
    ['AdamUpdate', [zeros(2), zeros(2), zeros(2), zeros(3), zeros(1)], {}, 'has shape [3] where [2]'],
    ['DownsamplePad', { x: zeros(1, 4, 4, 3) }, { window: 1, channels: 4, offset: 2 }, '3 channels do not fit into 4'],
  ])('refuses, before any memory is read, what does not fit: %s', (kernel, inputs, attributes, message) => {
    expect(() => run(kernel, inputs as Record<string, Tensor>, attributes)).toThrow(message);
  });
});
