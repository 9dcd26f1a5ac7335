import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type {
  BatchNormGradAttributes,
  BatchNormGradInputs,
  BatchNormInferenceAttributes,
  BatchNormInputs,
  BatchNormTrainAttributes,
} from '../../../ops/batch-norm.js';
import { requireShape } from '../../../ops/kernel.js';
import { defaultThreads, type WebgpuBackend } from '../backend.js';
import { elementwise, type Shader } from '../shader.js';
import { channelSums, finishChannelSums, sumChannels } from './channel-sums.js';
import { kernel, operands, typeOf, widthOf } from './kernel.js';

/** Sums of x - running mean, which is close to x's mean: small sums lose fewer digits. */
const statistics = channelSums(
  'BatchNormTrain/sums',
  `a = x_at(i) - runningMean_at(c);
   b = a * a;`,
);

const finishStatistics = finishChannelSums(
  'BatchNormTrain/statistics',
  `let centre = sum / COUNT;
   let spread = dot / COUNT - centre * centre;
   let variance = select(spread, 0, spread < 0);
   let m = centre + runningMean_at(c);
   mean_put(c, m);
   inverseDeviation_put(c, 1 / sqrt(variance + EPSILON));
   runningMean_put(c, (1 - MOMENTUM) * runningMean_at(c) + MOMENTUM * m);
   runningVariance_put(c, (1 - MOMENTUM) * runningVariance_at(c) + MOMENTUM * variance * COUNT / max(1, COUNT - 1));`,
);

/** y = relu((x - mean) slope + shift + residual) */
const normalise = (name: string, inverse: string, residual: boolean, relu: boolean): Shader => ({
  name: `${name}/normalise${residual ? '+residual' : ''}${relu ? '+ReLU' : ''}`,
  threads: defaultThreads,
  body: elementwise(`
    let c = i % CHANNELS;
    let value = (x_at(i) - mean_at(c)) * (scale_at(c) * ${inverse}) + shift_at(c)${residual ? ' + residual_at(i)' : ''};
    y_put(i, ${relu ? 'select(value, V(0), value < V(0))' : 'value'}); // max() would turn NaN into 0`),
});

const gradient = (relu: boolean) => (relu ? 'select(V(0), dy_at(i), y_at(i) > V(0))' : 'dy_at(i)');

const gradientSums = (relu: boolean) =>
  channelSums(
    `BatchNormTrainGrad/sums${relu ? '+ReLU' : ''}`,
    `a = ${gradient(relu)};
     b = a * (x_at(i) - mean_at(c));`,
  );

/** The gradients of scale and shift, and the coefficients of dx = slope (g - sum/count - (x - mean) lean). */
const finishGradients = finishChannelSums(
  'BatchNormTrainGrad/parameters',
  `let inverse = inverseDeviation_at(c);
   dShift_put(c, sum / lossScale_at(0));
   dScale_put(c, dot * inverse / lossScale_at(0));
   coefficients_put(c, scale_at(c) * inverse);
   coefficients_put(CHANNELS + c, sum / COUNT);
   coefficients_put(2 * CHANNELS + c, dot * inverse * inverse / COUNT);`,
);

const inputGradient = (relu: boolean, residual: boolean): Shader => ({
  name: `BatchNormTrainGrad/input${residual ? '+residual' : ''}${relu ? '+ReLU' : ''}`,
  threads: defaultThreads,
  body: elementwise(`
    let c = i % CHANNELS;
    let g = ${gradient(relu)};
    let centred = x_at(i) - mean_at(c);
    dx_put(i, coefficients_at(c) * (g - coefficients_at(CHANNELS + c) - centred * coefficients_at(2 * CHANNELS + c)));
    ${residual ? 'dResidual_put(i, g);' : ''}`),
});

export const batchNormKernels = [
  /** The running statistics are changed in place. */
  kernel(
    'BatchNormTrain',
    (
      { x, scale, shift, residual, ...running }: BatchNormInputs,
      { epsilon, momentum, relu }: BatchNormTrainAttributes,
      backend,
    ) => {
      requireShape(x.shape, { residual });
      requireShape(x.shape.slice(-1), { scale, shift, ...running });
      const runningMean = backend.writable(running.runningMean);
      const runningVariance = backend.writable(running.runningVariance);
      const channels = scale.shape[0]!;
      const [width, size] = [widthOf(channels), util.sizeFromShape(x.shape)];
      const [mean, inverseDeviation] = [backend.allocate([channels]), backend.allocate([channels])];
      sumChannels(backend, statistics, x, { reads: operands({ x, runningMean }, width) }, (shares, count) =>
        backend.run(finishStatistics, {
          reads: { shares: { of: shares } },
          writes: operands({ mean, inverseDeviation, runningMean, runningVariance }),
          constants: {
            PARTS: count,
            CHANNELS: channels,
            COUNT: { f32: size / channels },
            EPSILON: { f32: epsilon },
            MOMENTUM: { f32: momentum },
          },
          workgroups: channels,
        }),
      );
      const y = backend.allocateActivation(x.shape);
      const shader = normalise('BatchNormTrain', 'inverse_at(c)', !!residual, relu);
      backend.each(shader, size / width, {
        reads: operands({ x, mean, scale, inverse: inverseDeviation, shift, residual }, width),
        writes: operands({ y }, width),
        constants: { CHANNELS: channels / width, V: typeOf(width) },
        multiplyAdds: size,
      });
      return [y, mean, inverseDeviation, runningMean, runningVariance];
    },
  ),

  kernel('BatchNormInference', (inputs: BatchNormInputs, { epsilon, relu }: BatchNormInferenceAttributes, backend) => {
    const { x, scale, shift, runningMean: mean, runningVariance: variance, residual } = inputs;
    requireShape(x.shape, { residual });
    requireShape(x.shape.slice(-1), { scale, shift, mean, variance });
    const channels = scale.shape[0]!;
    const [width, size] = [widthOf(channels), util.sizeFromShape(x.shape)];
    const y = backend.allocateActivation(x.shape);
    const shader = normalise('BatchNormInference', '(1 / sqrt(variance_at(c) + EPSILON))', !!residual, relu);
    backend.each(shader, size / width, {
      reads: operands({ x, mean, scale, variance, shift, residual }, width),
      writes: operands({ y }, width),
      constants: { CHANNELS: channels / width, V: typeOf(width), EPSILON: { f32: epsilon } },
      multiplyAdds: size,
    });
    return [y];
  }),

  kernel('BatchNormTrainGrad', (inputs: BatchNormGradInputs, { relu, residual }: BatchNormGradAttributes, backend) => {
    const { dy, x, y, scale, mean, inverseDeviation } = inputs;
    requireShape(x.shape, { dy, y });
    requireShape(x.shape.slice(-1), { scale, mean, inverseDeviation });
    const channels = scale.shape[0]!;
    const [width, size] = [widthOf(channels), util.sizeFromShape(x.shape)];
    const { scaled } = backend.stored(dy);
    const [dScale, dShift] = [
      backend.allocate([channels], backend.gradients),
      backend.allocate([channels], backend.gradients),
    ];
    const dx = backend.allocateActivation(x.shape, scaled);
    const dResidual = residual ? backend.allocateActivation(x.shape, scaled) : undefined;
    const common = operands({ dy, x, y: relu ? y : undefined, mean }, width);
    backend.scratch('f32', 3 * channels, (coefficients) => {
      sumChannels(backend, gradientSums(relu), x, { reads: common }, (shares, count) =>
        backend.run(finishGradients, {
          reads: { shares: { of: shares }, ...operands({ scale, inverseDeviation }), ...backend.scaleOf(dy) },
          writes: { ...operands({ dScale, dShift }), coefficients: { of: coefficients } },
          constants: { PARTS: count, CHANNELS: channels, COUNT: { f32: size / channels } },
          workgroups: channels,
        }),
      );
      backend.each(inputGradient(relu, residual), size / width, {
        reads: { ...common, coefficients: { of: coefficients, width } },
        writes: operands({ dx, dResidual }, width),
        constants: { CHANNELS: channels / width, V: typeOf(width) },
        multiplyAdds: 2 * size,
      });
    });
    return dResidual ? [dx, dScale, dShift, dResidual] : [dx, dScale, dShift];
  }),

  kernel('BiasAddGrad', ({ dy }: { dy: TensorInfo }, _attributes, backend) => [biasGradient(dy, backend)]),
];

/** dBias [C]: the sum of dy [N, H, W, C] over all pixels, unscaled. */
export function biasGradient(dy: TensorInfo, backend: WebgpuBackend): TensorInfo {
  const channels = dy.shape.at(-1)!;
  const dBias = backend.allocate([channels], backend.gradients);
  sumChannels(backend, biasSums, dy, { reads: operands({ dy }, widthOf(channels)) }, (shares, count) =>
    backend.run(finishBias, {
      reads: { shares: { of: shares }, ...backend.scaleOf(dy) },
      writes: operands({ dBias }),
      constants: { PARTS: count, CHANNELS: channels },
      workgroups: channels,
    }),
  );
  return dBias;
}

const biasSums = channelSums('BiasAddGrad/sums', 'a = dy_at(i);');
const finishBias = finishChannelSums('BiasAddGrad', 'dBias_put(c, sum / lossScale_at(0));');
