import { type Tensor, tensor, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../models/index.js';
import { run } from '../../ops/kernel.js';
import { optimizers } from '../../optimizers/index.js';
import { randomStream } from '../../random.js';
import { trainStep } from '../../train.js';
import { cpu } from '../cpu/index.js';
import { onednn } from './index.js';

const availability = await onednn.probe();
if (!availability.usable) console.warn(`onednn skipped: ${availability.reason}; ${availability.remedy}`);

interface Case {
  kernel: string;
  /** Shapes of the inputs. */
  inputs: Record<string, number[]>;
  attributes?: object;
  /** Of an input: so many standard deviations about the mean; for what must be positive, or far from 0. */
  means?: Record<string, number>;
}

const same = (stride: number, pad: number) => ({
  strides: [stride, stride],
  pad,
  dataFormat: 'NHWC',
  dimRoundingMode: 'floor',
});

/** Forward and both gradients of one convolution: x [n, h, w, from], filter [k, k, from, to]. */
function convolution(n: number, [h, w]: [number, number], from: number, to: number, k: number, stride: number): Case[] {
  const pad = Math.floor((k - 1) / 2);
  const out = (size: number) => Math.floor((size + 2 * pad - k) / stride) + 1;
  const [x, filter, dy] = [
    [n, h, w, from],
    [k, k, from, to],
    [n, out(h), out(w), to],
  ];
  const attributes = same(stride, pad);
  return [
    { kernel: 'Conv2D', inputs: { x, filter }, attributes: { ...attributes, dilations: [1, 1] } },
    { kernel: 'Conv2DBackpropInput', inputs: { dy, filter }, attributes: { ...attributes, inputShape: x } },
    { kernel: 'Conv2DBackpropFilter', inputs: { x, dy }, attributes: { ...attributes, filterShape: filter } },
  ];
}

/** Batch norm over x, in training and not, with its gradient. */
function batchNorm(x: number[], relu: boolean, withResidual: boolean): Case[] {
  const c = [x[3]!];
  const inputs = { x, scale: c, shift: c, runningMean: c, runningVariance: c, ...(withResidual && { residual: x }) };
  const means = { x: 3, runningVariance: 6, scale: 1 };
  const gradient = { dy: x, x, y: x, scale: c, mean: c, inverseDeviation: c };
  return [
    { kernel: 'BatchNormTrain', inputs, means, attributes: { epsilon: 1e-5, momentum: 0.1, relu } },
    { kernel: 'BatchNormInference', inputs, means, attributes: { epsilon: 1e-5, relu } },
    { kernel: 'BatchNormTrainGrad', inputs: gradient, attributes: { relu, residual: withResidual } },
  ];
}

function downsample(inputShape: number[], window: 1 | 3, channels: number, offset: number): Case[] {
  const [n, h, w] = inputShape as [number, number, number];
  const attributes = { window, channels, offset };
  const dy = [n, Math.ceil(h / 2), Math.ceil(w / 2), channels];
  return [
    { kernel: 'DownsamplePad', inputs: { x: inputShape }, attributes },
    { kernel: 'DownsamplePadGrad', inputs: { dy }, attributes: { ...attributes, inputShape } },
  ];
}

const cases: Case[] = [
  ...convolution(2, [16, 16], 3, 16, 3, 1),
  ...convolution(3, [16, 12], 16, 16, 3, 1),
  ...convolution(1, [8, 8], 32, 32, 3, 1),
  ...convolution(2, [8, 8], 64, 64, 3, 1),
  ...convolution(2, [16, 16], 16, 32, 3, 2),
  ...convolution(3, [9, 7], 16, 24, 3, 1),
  ...convolution(1, [9, 7], 5, 3, 3, 2),
  ...convolution(2, [8, 10], 16, 32, 1, 2),
  ...convolution(2, [8, 8], 16, 32, 2, 2),
  ...convolution(1, [7, 7], 8, 8, 5, 1),
  ...batchNorm([2, 32, 32, 16], true, false),
  ...batchNorm([3, 5, 7, 21], true, true),
  ...batchNorm([1, 3, 3, 5], false, true),
  ...batchNorm([128, 8, 8, 64], false, false),
  { kernel: 'Add', inputs: { a: [3, 5, 7, 11], b: [3, 5, 7, 11] } },
  { kernel: 'Add', inputs: { a: [4, 3, 3, 8], b: [8] } },
  { kernel: 'BiasAdd', inputs: { x: [3, 5, 7, 11], bias: [11] } },
  { kernel: 'BiasAddGrad', inputs: { dy: [3, 5, 7, 11] } },
  { kernel: 'GlobalAveragePool', inputs: { x: [3, 8, 8, 13] } },
  { kernel: 'GlobalAveragePoolGrad', inputs: { dy: [3, 13] }, attributes: { height: 5, width: 4 } },
  ...downsample([2, 32, 32, 16], 1, 32, 8),
  ...downsample([2, 7, 9, 16], 3, 32, 0),
];

/** The losses of a ResNet-8's first steps on the backend in use: every kernel with what the others leave for it. */
function losses(): number[] {
  const random = randomStream(1, 'init');
  const context = { inputShape: [12, 12, 3] as [number, number, number], classes: 10, random };
  const model = models.create(models.schema.parse({ type: 'resnet', depth: 8 }), context);
  const optimizer = optimizers.create(optimizers.schema.parse({ type: 'sgd' }), model.parameters);
  const images = Float32Array.from({ length: 4 * 12 * 12 * 3 }, random.normal);
  return [1, 2, 3, 4, 5].map(() => {
    const batch = { x: tensor4d(images, [4, 12, 12, 3]), labels: tensor1d([1, 2, 3, 4]), size: 4 };
    const metrics = trainStep(model, optimizer, batch, { lr: 0.02, momentum: 0.9 });
    const [[loss]] = read([metrics]) as [Float32Array];
    return loss!;
  });
}

/** The outputs of a case on the backend in use; the inputs are the same on every backend. */
function outputs({ kernel, inputs, attributes, means }: Case): Float32Array[] {
  const random = randomStream(1, 'synthetic');
  const tensors = Object.entries(inputs).map(([name, shape]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return [
      name,
      tensor(
        Float32Array.from({ length: count }, () => random.normal() + (means?.[name] ?? 0)),
        shape,
      ),
    ];
  });
  const results = run(kernel, Object.fromEntries(tensors) as Record<string, Tensor>, attributes);
  return read(results);
}

function read(tensors: Tensor[]): Float32Array[] {
  return tensors.map((t) => {
    const values = t.dataSync() as Float32Array;
    t.dispose();
    return values;
  });
}

/** The largest difference over the largest magnitude. */
function relativeError(actual: Float32Array, wanted: Float32Array): number {
  const largest = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
  return wanted.reduce((worst, value, i) => Math.max(worst, Math.abs(actual[i]! - value)), 0) / largest;
}

const title = ({ kernel, inputs, attributes }: Case) =>
  `${kernel} of ${JSON.stringify(inputs)} ${JSON.stringify(attributes ?? {})}`.replaceAll('"', '');

describe.runIf(availability.usable)('the onednn backend', () => {
  const expected = new Map<Case, Float32Array[]>();
  let expectedLosses: number[];
  beforeAll(async () => {
    await cpu.activate({ precision: 'f32' });
    for (const c of cases) expected.set(c, outputs(c));
    expectedLosses = losses();
  }, 120_000);

  describe.each([
    ['f32', 1e-5, 1e-4],
    ['bf16', 1e-2, 3e-2],
  ] as const)('in %s', (precision, tolerance, lossTolerance) => {
    beforeAll(() => onednn.activate({ precision }));
    it.each(cases.map((c) => [title(c), c] as const))(`agrees with the reference: %s`, (_title, c) => {
      const actual = outputs(c);
      const wanted = expected.get(c)!;
      expect(actual).toHaveLength(wanted.length);
      for (const [i, values] of wanted.entries()) expect(relativeError(actual[i]!, values)).toBeLessThan(tolerance);
    });

    it('trains a small net as the reference kernels do', () => {
      losses().forEach((loss, i) => {
        expect(Math.abs(loss / expectedLosses[i]! - 1), `step ${i}`).toBeLessThan(lossTolerance);
      });
    });
  });
});
