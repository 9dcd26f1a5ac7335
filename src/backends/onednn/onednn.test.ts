import { availableParallelism } from 'node:os';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../ops/kernel.js';
import { loadAddon } from './addon.js';
import { onednn } from './index.js';

// ../backends.test.ts tests that the kernels agree with the reference.

const availability = await onednn.probe();
if (!availability.usable) console.warn(`onednn skipped: ${availability.reason}; ${availability.remedy}`);

const zeros = (...shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((product, size) => product * size)), shape);

describe.runIf(availability.usable)('the onednn backend', () => {
  beforeAll(() => onednn.activate({ precision: 'f32' }));

  it('says how many bytes could not be allocated, and works afterwards', () => {
    const { allocate } = loadAddon();
    expect(() => allocate(2 ** 50)).toThrow(new RangeError('no memory for 1125899906842624 bytes'));
    expect(allocate(64).byteLength).toBe(64);
  });

  describe('checks the arguments of its functions', () => {
    const floats = (count: number) => new Float32Array(count);
    it.each([
      ['too few arguments', [floats(4), floats(4)], 'add: 2 arguments instead of 3'],
      ['too many', [floats(4), floats(4), floats(4), 1], 'add: 4 arguments instead of 3'],
      ['another type', [floats(4), floats(4), new Float64Array(4)], 'argument 3 must be a Float32Array or Uint16Array'],
      ['no array', [floats(4), 7, floats(4)], 'argument 2 must be a Float32Array or Uint16Array'],
      ['another length', [floats(4), floats(5), floats(4)], 'an array of length 5 instead of 4'],
      ['different precisions', [floats(4), floats(4), new Uint16Array(4)], 'activations of different precisions'],
    ])('%s', (_what, given, message) => {
      expect(() => (loadAddon().add as (...given: unknown[]) => void)(...given)).toThrow(TypeError);
      expect(() => (loadAddon().add as (...given: unknown[]) => void)(...given)).toThrow(message);
    });

    it('convolution arrays that do not fit the shape', () => {
      const shape = Int32Array.of(1, 4, 4, 3, 4, 4, 5, 3, 3, 1, 1, 1, 1, 1, 1);
      const { convForward } = loadAddon();
      expect(() => convForward(0, shape, floats(47), floats(135), floats(80))).toThrow('length 47 instead of 48');
      expect(() => convForward(0, shape, floats(48), floats(134), floats(80))).toThrow('length 134 instead of 135');
      expect(() => convForward(0, shape, floats(48), floats(135), floats(81))).toThrow('length 81 instead of 80');
      expect(() => convForward(0, shape.slice(1), floats(48), floats(135), floats(80))).toThrow(
        'length 14 instead of 15',
      );
      expect(() => convForward(1, shape, floats(48), floats(135), floats(80))).toThrow('this way does not suit');
      expect(() => convForward(3, shape, floats(48), floats(135), floats(80))).toThrow('no such way');
    });

    it('a size that is not a whole number, and an incomplete row', () => {
      const { channelSum, pool } = loadAddon();
      expect(() => pool(floats(4), floats(1), 1, 1.5, 1)).toThrow('argument 4 must be a whole number');
      expect(() => channelSum(floats(4), floats(3))).toThrow('4 values do not make rows of 3');
      expect(() => channelSum(floats(4), floats(0))).toThrow('4 values do not make rows of 0');
    });
  });

  it.each([1, 2])("sums the threads' shares of a filter gradient, stride %i", (stride) => {
    const { convBackwardFilter, setThreads } = loadAddon();
    const shape = Int32Array.of(7, 8, 8, 16, 8 / stride, 8 / stride, 16, 3, 3, stride, stride, 1, 1, 1, 1);
    const values = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
    const [x, dy] = [values(7 * 8 * 8 * 16), values((7 * 8 * 8 * 16) / stride ** 2)];
    const gradient = (threads: number) => {
      const result = new Float32Array(9 * 16 * 16);
      setThreads(threads);
      convBackwardFilter(0, shape, x, result, dy);
      return result;
    };
    try {
      const expected = gradient(1);
      for (const threads of [2, 3]) {
        const difference = gradient(threads).map((value, i) => Math.abs(value - expected[i]!));
        expect(Math.max(...difference)).toBeLessThan(1e-5 * Math.max(...expected));
      }
    } finally {
      setThreads(availableParallelism());
    }
  });

  const none = zeros(2, 3, 3, 0);
  const vector = zeros(0);
  const statistics = { scale: vector, shift: vector, runningMean: vector, runningVariance: vector };
  it.each([
    ['BatchNormTrain', { x: none, ...statistics }, { epsilon: 1e-3, momentum: 0.1, relu: true }],
    ['BatchNormInference', { x: none, ...statistics }, { epsilon: 1e-3, relu: true }],
    [
      'BatchNormTrainGrad',
      { dy: none, x: none, y: none, scale: vector, mean: vector, inverseDeviation: vector },
      { relu: true, residual: false },
    ],
    ['BiasAdd', { x: none, bias: vector }, {}],
    ['BiasAddGrad', { dy: none }, {}],
    ['SoftmaxCrossEntropy', { logits: zeros(2, 0), labels: vector }, {}],
  ])('refuses tensors without channels: %s', (kernel, inputs, attributes) => {
    expect(() => run(kernel, inputs as Record<string, Tensor>, attributes)).toThrow();
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
    [
      'SoftmaxCrossEntropy',
      { logits: zeros(2, 3), labels: tensor([0, 3]) },
      { labelSmoothing: 0 },
      'label 3 among 3 classes',
    ],
    ['SgdUpdate', [zeros(2), zeros(3), zeros(2)], {}, 'has shape [3] where [2]'],
    ['AdamUpdate', [zeros(2), zeros(2), zeros(2), zeros(3), zeros(1)], {}, 'has shape [3] where [2]'],
    ['DownsamplePad', { x: zeros(1, 4, 4, 3) }, { window: 1, channels: 4, offset: 2 }, '3 channels do not fit into 4'],
  ])('refuses, before any memory is read, what does not fit: %s', (kernel, inputs, attributes, message) => {
    expect(() => run(kernel, inputs as Record<string, Tensor>, attributes)).toThrow(message);
  });
});
