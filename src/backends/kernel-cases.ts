import { tensor } from '@tensorflow/tfjs-core';
import { run } from '../ops/kernel.js';
import { type Pool2D, pooledShape } from '../ops/pool2d.js';
import { randomStream } from '../random.js';

/** [what, kernel, inputs, attributes] */
export type Case = [string, string, Record<string, Values> | Values[], object?];
export interface Values {
  shape: number[];
  values: Float32Array;
}

const { normal, uniform } = randomStream(1, 'synthetic');
const make = (shape: number[], draw: () => number): Values => {
  return { shape, values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, draw) };
};
const random = (...shape: number[]) => make(shape, normal);
const positive = (...shape: number[]) => make(shape, () => uniform() + 0.1);
const relu = (...shape: number[]) => make(shape, () => Math.max(0, normal()));

/** Every kernel that a model needs, with inputs of odd sizes. */
export const kernelCases: Case[] = [
  ...[1, 2, 3].flatMap((size) =>
    [1, 2].flatMap((stride) =>
      [
        [1, 5, 7, 3, 5],
        [3, 6, 5, 4, 8],
        [19, 8, 8, 8, 16],
        [2, 2, 3, 1, 1],
      ].flatMap((shape) => convolutionCases(size, stride, shape as FiveNumbers)),
    ),
  ),
  ...convolutionCases(3, 1, [3, 14, 12, 16, 16]), // several tiles, vectors, blocks of them
  ...convolutionCases(3, 1, [3, 5, 19, 16, 16]), // rows that are no multiple of a block
  ...convolutionCases(3, 1, [2, 8, 9, 64, 32]),
  ...convolutionCases(5, 1, [1, 7, 7, 8, 8]),
  ...convolutionCases(5, 1, [3, 14, 11, 16, 16]),
  ...convolutionCases(5, 1, [2, 8, 9, 64, 32]),
  ['two feature maps', 'Add', { a: random(3, 5, 7, 3), b: random(3, 5, 7, 3) }],
  ...[1, 3, 16].flatMap((channels) =>
    [true, false].flatMap((relu) => [true, false].flatMap((residual) => batchNormCases(channels, relu, residual))),
  ),
  ['odd', 'BiasAdd', { x: random(3, 5, 7, 3), bias: random(3) }],
  ['odd', 'BiasAddGrad', { dy: random(3, 5, 7, 3) }],
  ['odd', 'Dense', { x: random(3, 7), weights: random(7, 5), bias: random(5) }],
  ['large', 'Dense', { x: random(5, 147), weights: random(147, 10), bias: random(10) }],
  ['large', 'DenseGrad', { dy: random(5, 10), x: random(5, 147), weights: random(147, 10) }],
  ['odd', 'DenseGrad', { dy: random(3, 5), x: random(3, 7), weights: random(7, 5) }],
  ['odd', 'GlobalAveragePool', { x: random(3, 5, 7, 3) }],
  ['odd', 'GlobalAveragePoolGrad', { dy: random(3, 3) }, { height: 5, width: 7 }],
  ...([1, 3] as const).flatMap((window): Case[] => {
    const options = { window, channels: 8, offset: 2 };
    return [
      [`window ${window}`, 'DownsamplePad', { x: random(3, 5, 6, 3) }, options],
      [`window ${window}`, 'DownsamplePadGrad', { dy: random(3, 3, 3, 8) }, { ...options, inputShape: [3, 5, 6, 3] }],
    ];
  }),
  ...(['max', 'average'] as const).flatMap((kind) => poolingCases(kind)),
  ['odd', 'ConcatChannels', { a: random(3, 5, 7, 3), b: random(3, 5, 7, 12) }],
  ['16 and 12', 'ConcatChannels', { a: random(2, 4, 4, 16), b: random(2, 4, 4, 12) }],
  ['odd', 'SplitChannels', { dy: random(3, 5, 7, 15) }, { first: 3 }],
  ['16 and 12', 'SplitChannels', { dy: random(2, 4, 4, 28) }, { first: 16 }],
  ['the middle', 'SliceImages', { x: random(5, 3, 2, 3) }, { begin: 1, end: 4 }],
  ['of three sizes', 'JoinImages', [random(2, 3, 2, 3), random(1, 3, 2, 3), random(3, 3, 2, 3)]],
  ...[0.2, 0.9].map(
    (rate): Case => [`rate ${rate}`, 'Dropout', { x: random(3, 5, 7, 3) }, { rate, key: 4_294_967_295 }],
  ),
  ...[3, 16, 35].flatMap((channels) => lrnCases([3, 6, 5, channels], 3)),
  ...lrnCases([2, 1, 1, 4], 3),
  ...lrnCases([2, 7, 6, 4], 5),
  ...[0, 0.1].map((labelSmoothing): Case => {
    const labels = make([5], () => Math.floor(uniform() * 7));
    return [`smoothing ${labelSmoothing}`, 'SoftmaxCrossEntropy', { logits: random(5, 7), labels }, { labelSmoothing }];
  }),
  ...[1, 100].map((maxNorm): Case => {
    return [`to ${maxNorm}`, 'ClipByGlobalNorm', [random(3, 3, 2, 3), random(5), random(40, 70)], { maxNorm }];
  }),
  ...['l2', 'decoupled'].flatMap((weightDecayMode) =>
    ['outside', 'inside'].flatMap((lrPlacement) =>
      [true, false].map((nesterov): Case => {
        const inputs = [1, 2, 3].flatMap(() => [random(3, 3, 2, 3), random(5)]);
        const rates = { lr: [0.1, 0.2], momentum: [0.9, 0.8], weightDecay: [0.01, 0] };
        const mode = { weightDecayMode, lrPlacement, nesterov };
        return [Object.values(mode).join(' '), 'SgdUpdate', inputs, { ...rates, ...mode }];
      }),
    ),
  ),
  ...['l2', 'decoupled'].map((weightDecayMode): Case => {
    const parts = [random, random, random, positive].flatMap((draw) => [draw(3, 3, 2, 3), draw(5)]);
    const steps = { shape: [], values: Float32Array.of(3) };
    const rates = { lr: [0.1, 0.2], beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: [0.01, 0] };
    return [weightDecayMode, 'AdamUpdate', [...parts, steps], { ...rates, weightDecayMode }];
  }),
  [
    'first step, beta2 near 1',
    'AdamUpdate',
    [random(300), random(300), make([300], () => 0), make([300], () => 0), { shape: [], values: Float32Array.of(0) }],
    { lr: [0.1], beta1: 0.9, beta2: 0.9999, epsilon: 1e-8, weightDecay: [0], weightDecayMode: 'l2' },
  ],
  ...['zero', 'reflect', 'symmetric'].map((padMode): Case => {
    const images = Uint8Array.from({ length: 3 * 5 * 7 * 3 }, () => uniform() * 256);
    const plan = Int32Array.of(2, 0, 4, 1, 0, 2, 1, 0, 2, 4, 0, 0);
    const scaling = { mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.3, 0.25] };
    return [padMode, 'AssembleBatch', {}, { images, imageShape: [5, 7, 3], plan, pad: 2, padMode, ...scaling }];
  }),
  ...[0, 2].map((pad): Case => {
    const images = Uint8Array.from({ length: 3 * 5 * 7 * 3 }, () => uniform() * 256);
    const plan = Int32Array.of(2, pad, 0, 1, 0, 0, pad, 0);
    const meanImage = Float32Array.from({ length: 5 * 7 * 3 }, () => uniform() * 256);
    const scaling = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255], meanImage };
    return [
      `mean image, ${pad} pixels added`,
      'AssembleBatch',
      {},
      { images, imageShape: [5, 7, 3], plan, pad, padMode: 'zero', ...scaling },
    ];
  }),
];
type FiveNumbers = [number, number, number, number, number];

function convolutionCases(size: number, stride: number, [n, h, w, from, to]: FiveNumbers): Case[] {
  const pad = Math.floor((size - 1) / 2);
  const output = (length: number) => Math.floor((length + 2 * pad - size) / stride) + 1;
  const attributes = { strides: [stride, stride], pad, dataFormat: 'NHWC', dimRoundingMode: 'floor' };
  const [x, filter, dy] = [random(n, h, w, from), random(size, size, from, to), random(n, output(h), output(w), to)];
  const name = `${size}x${size} stride ${stride} on [${x.shape}]`;
  return [
    [name, 'Conv2D', { x, filter }, { ...attributes, dilations: [1, 1] }],
    [name, 'Conv2DBackpropInput', { dy, filter }, { ...attributes, inputShape: x.shape }],
    [name, 'Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape: filter.shape }],
  ];
}

function poolingCases(kind: Pool2D['kind']): Case[] {
  const sizes = [
    [3, 6, 7, 3],
    [2, 8, 5, 16],
    [1, 5, 4, 37],
    [2, 1, 2, 4],
  ];
  return sizes.flatMap((shape) =>
    [
      { window: 3, stride: 2, relu: true },
      { window: 2, stride: 2, relu: false },
      { window: 3, stride: 1, relu: false },
      { window: 2, stride: 3, relu: true },
    ].flatMap((how): Case[] => {
      const options = { kind, ...how };
      const bias: Record<string, Values> = how.relu ? { bias: random(shape[3]!) } : {};
      const [x, dy] = [random(...shape), random(...pooledShape(shape, options))];
      const name = `${kind} ${how.window}x${how.window} stride ${how.stride} on [${shape}]`;
      return [
        [name, 'Pool2D', { x, ...bias }, options],
        [name, 'Pool2DGrad', { dy, x, ...bias }, options],
      ];
    }),
  );
}

function lrnCases(shape: number[], size: number): Case[] {
  const [x, dy] = [random(...shape), random(...shape)];
  const what = `${size}x${size} on [${shape}]`;
  return [0.75, 0.6].flatMap((beta): Case[] => {
    const options = { size, alpha: 2, beta };
    return [
      [`${what}, beta ${beta}`, 'LrnWithinChannel', { x }, options],
      [`${what}, beta ${beta}`, 'LrnWithinChannelGrad', { dy, x }, options],
    ];
  });
}

function batchNormCases(c: number, withRelu: boolean, withResidual: boolean): Case[] {
  const x = random(3, 5, 7, c);
  const residual: Record<string, Values> = withResidual ? { residual: random(3, 5, 7, c) } : {};
  const inputs = { x, scale: random(c), shift: random(c), runningMean: random(c), runningVariance: positive(c) };
  const saved = { y: relu(3, 5, 7, c), mean: random(c), inverseDeviation: positive(c) };
  const name = `[${x.shape}]${withRelu ? ' ReLU' : ''}${withResidual ? ' residual' : ''}`;
  const options = { epsilon: 1e-3, relu: withRelu };
  return [
    [name, 'BatchNormTrain', { ...inputs, ...residual }, { ...options, momentum: 0.1 }],
    [name, 'BatchNormInference', { ...inputs, ...residual }, options],
    [
      name,
      'BatchNormTrainGrad',
      { dy: random(3, 5, 7, c), x, scale: inputs.scale, ...saved },
      { relu: withRelu, residual: withResidual },
    ],
  ];
}

/** The outputs of a case on tfjs's current backend. */
export async function compute([, kernel, inputs, attributes]: Case): Promise<Values[]> {
  const entries = Object.entries(inputs).map(([name, { values, shape }]) => [name, tensor(values, shape)] as const);
  const tensors = Array.isArray(inputs) ? entries.map(([, t]) => t) : Object.fromEntries(entries);
  const outputs = run(kernel, tensors, attributes);
  const results = await Promise.all(
    outputs.map(async (t) => ({ shape: t.shape, values: Float32Array.from(await t.data()) })),
  );
  for (const t of [...entries.map(([, t]) => t), ...outputs]) t.dispose();
  return results;
}

/** The largest difference over the largest value. */
export function relativeError(values: Float32Array, reference: Float32Array): number {
  const largest = reference.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return values.reduce((a, v, i) => Math.max(a, Math.abs(v - reference[i]!)), 0) / (largest || 1);
}
