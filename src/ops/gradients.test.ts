import { memory, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../backends/index.js';
import { randomStream } from '../random.js';
import { add } from './add.js';
import { batchNorm } from './batch-norm.js';
import { biasAdd } from './bias-add.js';
import { concatChannels } from './concat-channels.js';
import { conv2d } from './conv2d.js';
import { dense } from './dense.js';
import { downsamplePad } from './downsample-pad.js';
import { dropout } from './dropout.js';
import { globalAveragePool } from './global-average-pool.js';
import { type LrnWithinChannel, lrnWithinChannel } from './lrn-within-channel.js';
import { type Pool2D, pool2d } from './pool2d.js';
import { type SgdUpdate, sgdUpdate } from './sgd-update.js';
import { softmaxCrossEntropy } from './softmax-cross-entropy.js';
import { Tape } from './tape.js';

type Op = (tape: Tape, ...inputs: Tensor[]) => Tensor;

/** A name, the op, and the shapes of the inputs to differentiate with respect to. */
const ops: [string, Op, ...number[][]][] = [
  ['add', add as Op, [2, 3, 5, 3], [2, 3, 5, 3]],
  ['a tensor added to itself', (tape, a) => add(tape, a as Tensor4D, a as Tensor4D), [2, 3, 1, 2]],
  ['biasAdd', biasAdd as Op, [2, 3, 5, 3], [3]],
  ['dense', dense as Op, [3, 5], [5, 7], [7]],
  ['globalAveragePool', globalAveragePool as Op, [2, 3, 5, 3]],
  ['conv2d 1x1', convolution(1), [2, 5, 4, 3], [1, 1, 3, 2]],
  ['conv2d 3x3', convolution(1), [2, 5, 4, 3], [3, 3, 3, 2]],
  ['conv2d 1x1 at stride 2', convolution(2), [1, 5, 4, 3], [1, 1, 3, 2]],
  ['conv2d 2x2 at stride 2', convolution(2), [2, 5, 4, 3], [2, 2, 3, 2]],
  ['conv2d 3x3 at stride 2', convolution(2), [2, 5, 4, 3], [3, 3, 3, 2]],
  ['downsamplePad of every second pixel', downsample(1), [2, 5, 4, 3]],
  ['downsamplePad of means over 3x3', downsample(3), [2, 5, 4, 3]],
  ['pool2d max 3x3, stride 2, with a bias and ReLU', pooling({ kind: 'max', relu: true }), [2, 6, 7, 3], [3]],
  ['pool2d max 2x2', pooling({ kind: 'max', window: 2 }), [2, 5, 4, 3]],
  ['pool2d average 3x3, stride 2', pooling({ kind: 'average' }), [2, 6, 7, 3]],
  ['pool2d average 3x3 with a bias and ReLU', pooling({ kind: 'average', relu: true }), [2, 6, 7, 3], [3]],
  ['pool2d average 2x2', pooling({ kind: 'average', window: 2 }), [2, 5, 4, 3]],
  ['concatChannels', concatChannels as Op, [2, 3, 4, 3], [2, 3, 4, 5]],
  ['dropout', (tape, x) => dropout(tape, x as Tensor4D, { rate: 0.4, key: 12345 }), [2, 3, 4, 3]],
  ['lrnWithinChannel', lrn({ size: 3, alpha: 0.5, beta: 0.75 }), [2, 4, 5, 3]],
  ['lrnWithinChannel over 5x5 pixels', lrn({ size: 5, alpha: 2, beta: 0.6 }), [1, 4, 5, 2]],
  ['batchNorm', normalisation(false), [2, 3, 5, 3], [3], [3]],
  ['batchNorm with ReLU', normalisation(true), [2, 3, 5, 3], [3], [3]],
  ['batchNorm with a residual', normalisation(false), [2, 3, 5, 3], [3], [3], [2, 3, 5, 3]],
  ['batchNorm of two images at a time', normalisation(true, 2), [5, 2, 2, 3], [3], [3]],
  ['batchNorm of two images with a residual', normalisation(false, 2), [4, 2, 2, 3], [3], [3], [4, 2, 2, 3]],
  ['batchNorm with ReLU and a residual', normalisation(true), [2, 3, 5, 3], [3], [3], [2, 3, 5, 3]],
];

function convolution(stride: number): Op {
  return (tape, x, filter) => conv2d(tape, x as Tensor4D, filter as Tensor4D, stride);
}

function downsample(window: 1 | 3): Op {
  return (tape, x) => downsamplePad(tape, x as Tensor4D, { window, channels: 6, offset: 2 });
}

function pooling(options: Partial<Pool2D>): Op {
  const all = { kind: 'max', window: 3, stride: 2, relu: false, ...options } as const;
  return (tape, x, bias) => pool2d(tape, x as Tensor4D, all, bias as Tensor1D | undefined);
}

function lrn(options: LrnWithinChannel): Op {
  return (tape, x) => lrnWithinChannel(tape, x as Tensor4D, options);
}

function normalisation(relu: boolean, batch?: number): Op {
  return (tape, x, scale, shift, residual) => {
    const state = {
      scale: scale as Tensor1D,
      shift: shift as Tensor1D,
      runningMean: tensor([0, 0, 0]) as Tensor1D,
      runningVariance: tensor([1, 1, 1]) as Tensor1D,
    };
    const options = { epsilon: 1e-3, momentum: 0.1, relu, batch, residual: residual as Tensor4D | undefined };
    const y = batchNorm(tape, x as Tensor4D, state, options);
    state.runningMean.dispose();
    state.runningVariance.dispose();
    return y;
  };
}

beforeAll(() => useBackend('cpu', { precision: 'f32' }));

const { normal, permutation } = randomStream(1, 'synthetic');
const randomValues = (shape: number[]) => Float32Array.from({ length: shape.reduce((a, b) => a * b) }, normal);
/** From -2 to 2 in random order, equally spaced, so that none is near another or near 0: pooling has a kink there. */
const spacedValues = (shape: number[]) => {
  const size = shape.reduce((a, b) => a * b);
  return Float32Array.from(permutation(size), (i) => (4 * (i + 0.5)) / size - 2);
};

describe('the gradient agrees with central differences', () => {
  test.each(ops)('%s', (name, op, ...shapes) => {
    const inputs = shapes.map(name.startsWith('pool2d') ? spacedValues : randomValues);
    const outputShape = forward(op, inputs, shapes).shape;
    const weights = randomValues(outputShape); // loss = sum of weights * output
    const gradients = backward(op, inputs, shapes, weights, outputShape);
    inputs.forEach((values, k) => {
      values.forEach((_, i) => {
        const slope = centralDifference(inputs, k, i, (changed) => {
          return forward(op, changed, shapes).values.reduce((sum, y, j) => sum + y * weights[j]!, 0);
        });
        expect(Math.abs(gradients[k]![i]! - slope), `input ${k}, element ${i}`).toBeLessThan(3e-3);
      });
    });
  });

  test.each([0, 0.1])('softmaxCrossEntropy, label smoothing %d', (labelSmoothing) => {
    const logits = randomValues([3, 5]);
    const labels = tensor([4, 0, 2]) as Tensor1D;
    const evaluate = (values: Float32Array) => {
      const { metrics, gradient } = softmaxCrossEntropy(tensor(values, [3, 5]) as Tensor2D, labels, labelSmoothing);
      return { loss: metrics.dataSync()[0]!, gradient: gradient.dataSync() };
    };
    const { gradient } = evaluate(logits);
    gradient.forEach((g, i) => {
      expect(Math.abs(g - centralDifference([logits], 0, i, ([l]) => evaluate(l!).loss))).toBeLessThan(1e-3);
    });
  });
});

function forward(op: Op, inputs: Float32Array[], shapes: number[][]) {
  const y = op(new Tape(true), ...inputs.map((values, k) => tensor(values, shapes[k])));
  return { shape: y.shape, values: y.dataSync() as Float32Array };
}

function backward(op: Op, inputs: Float32Array[], shapes: number[][], dy: Float32Array, outputShape: number[]) {
  const tape = new Tape(true);
  const sources = inputs.map((values, k) => tensor(values, shapes[k]));
  const y = op(tape, ...sources);
  return tape.gradients(y, tensor(dy, outputShape), sources).map((g) => g.dataSync());
}

/** d(loss)/d(inputs[k][i]) to second order; the step suits losses in float32. */
function centralDifference(inputs: Float32Array[], k: number, i: number, loss: (inputs: Float32Array[]) => number) {
  const step = 1 / 256;
  const at = (change: number) => loss(inputs.map((v, j) => (j === k ? v.with(i, v[i]! + change) : v)));
  return (at(step) - at(-step)) / (2 * step);
}

test('gradients of a small net dispose of every tensor but the parameters and their gradients', () => {
  const shapes = [[3, 3, 2, 4], [4, 5], [5]];
  const parameters = shapes.map((shape) => tensor(randomValues(shape), shape));
  const x = tensor(randomValues([2, 5, 5, 2]), [2, 5, 5, 2]);
  const before = memory().numTensors;
  const tape = new Tape(true);
  const h = normalisation(true)(
    tape,
    conv2d(tape, x as Tensor4D, parameters[0] as Tensor4D, 1),
    tensor([1, 1, 1, 1]),
    tensor([0, 0, 0, 0]),
  );
  const logits = (dense as Op)(tape, globalAveragePool(tape, h as Tensor4D), parameters[1]!, parameters[2]!);
  const gradients = tape.gradients(logits, tensor(randomValues([2, 5]), [2, 5]), parameters);
  expect(gradients.map((g) => g.shape)).toEqual(shapes);
  expect(memory().numTensors).toBe(before + 2 + gradients.length); // 2: batch norm's scale and shift
});

test.each([undefined, 2])('frozen layers leave no tensor behind, batch norm of %s images', (batch) => {
  const x = tensor(randomValues([5, 2, 2, 3]), [5, 2, 2, 3]);
  const [scale, shift] = [tensor([1, 1, 1]), tensor([0, 0, 0])];
  const parameters = [[3, 5], [5]].map((shape) => tensor(randomValues(shape), shape));
  const step = () => {
    const tape = new Tape(true);
    const h = normalisation(true, batch)(tape, x, scale, shift);
    const y = normalisation(true, batch)(tape, h, scale, shift, x);
    const logits = (dense as Op)(tape, globalAveragePool(tape, y as Tensor4D), ...parameters);
    for (const gradient of tape.gradients(logits, tensor(randomValues([5, 5]), [5, 5]), parameters)) gradient.dispose();
    return memory().numTensors;
  };
  const before = memory().numTensors;
  expect([step(), step(), step()]).toEqual([before, before, before]);
});

describe('sgdUpdate follows its formula', () => {
  const modes = ['l2', 'decoupled'].flatMap((weightDecayMode) =>
    ['outside', 'inside'].flatMap((lrPlacement) =>
      [false, true].map(
        (nesterov) =>
          ({ weightDecayMode, lrPlacement, nesterov }) as Pick<
            SgdUpdate,
            'weightDecayMode' | 'lrPlacement' | 'nesterov'
          >,
      ),
    ),
  );
  const [p, g, v, lr, m, wd] = [0.5, 0.25, -2, 0.1, 0.9, 0.01];

  test.each(modes)('weight decay $weightDecayMode, learning rate $lrPlacement, nesterov $nesterov', (mode) => {
    const l2 = mode.weightDecayMode === 'l2' ? g + wd * p : g;
    const step = mode.lrPlacement === 'inside' ? lr * l2 : l2;
    const velocity = m * v + step;
    const move = (mode.nesterov ? step + m * velocity : velocity) * (mode.lrPlacement === 'inside' ? 1 : lr);
    const decay = mode.weightDecayMode === 'decoupled' ? lr * wd * p : 0;
    const [parameters, velocities] = sgdUpdate(
      [tensor([p]), tensor([1, 2])],
      [tensor([g]), tensor([0, 0])],
      [tensor([v]), tensor([0, 0])],
      { lr: [lr, 0.5], momentum: [m, 0.5], weightDecay: [wd, 0], ...mode },
    );
    expect(parameters[0]!.dataSync()[0]).toBeCloseTo(p - move - decay, 6);
    expect(velocities[0]!.dataSync()[0]).toBeCloseTo(velocity, 6);
    expect([...parameters[1]!.dataSync()]).toEqual([1, 2]);
  });
});
