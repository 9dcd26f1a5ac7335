import type { Tensor, Tensor1D, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { joinImages, rangesOf, sliceImages } from './image-slices.js';
import { referenceKernel, run } from './kernel.js';
import { Tape } from './tape.js';

/** Batch norm of one layer; every tensor is [C]. */
export interface BatchNormState {
  scale: Tensor1D;
  shift: Tensor1D;
  runningMean: Tensor1D;
  runningVariance: Tensor1D;
}

/** How a layer normalises, and what follows it in the same kernel. */
export interface BatchNormOptions {
  epsilon: number;
  /** The new batch's weight in the running statistics (as in PyTorch; Caffe's moving_average_fraction is 1 - this). */
  momentum: number;
  /** In training: number of images whose statistics are taken together; undefined: the whole batch. */
  batch?: number | undefined;
  /** Whether max(0, .) comes last. */
  relu: boolean;
  /** Added before the ReLU: the shortcut of a residual block, shaped like x. */
  residual?: Tensor4D;
}

/**
 * y = relu(scale (x - mean) / sqrt(variance + epsilon) + shift + residual) over x [N, H, W, C], statistics per channel
 * (Ioffe & Szegedy, arXiv:1502.03167). Training takes those of the batch (biased variance) and replaces `state`'s
 * running statistics by new moving averages (unbiased variance, as PyTorch, Caffe and TensorFlow do); otherwise the
 * running ones are taken.
 */
export function batchNorm(tape: Tape, x: Tensor4D, state: BatchNormState, options: BatchNormOptions): Tensor4D {
  const { scale, shift, runningMean, runningVariance } = state;
  const { epsilon, momentum, relu, residual } = options;
  if (!tape.training) {
    const inputs = { x, scale, shift, runningMean, runningVariance, residual };
    return run('BatchNormInference', inputs, { epsilon, relu })[0] as Tensor4D;
  }
  if (options.batch !== undefined && options.batch < x.shape[0]) return ghostBatchNorm(tape, x, state, options);
  const [y, mean, inverseDeviation, newMean, newVariance] = run(
    'BatchNormTrain',
    { x, scale, shift, runningMean, runningVariance, residual },
    { epsilon, momentum, relu },
  ) as [Tensor4D, Tensor1D, Tensor1D, Tensor1D, Tensor1D];
  runningMean.dispose();
  runningVariance.dispose();
  state.runningMean = newMean;
  state.runningVariance = newVariance;
  return tape.record(
    residual ? [x, scale, shift, residual] : [x, scale, shift],
    y,
    (dy: Tensor) =>
      run('BatchNormTrainGrad', { dy, x, y, scale, mean, inverseDeviation }, { relu, residual: !!residual }),
    [mean, inverseDeviation],
  );
}

/**
 * Batch norm of every `batch` images separately (Hoffer et al., arXiv:1705.08741), as when several GPUs share a batch.
 * The running statistics are those of the first part, as in Caffe, which tests the first GPU's net.
 */
function ghostBatchNorm(tape: Tape, x: Tensor4D, state: BatchNormState, options: BatchNormOptions): Tensor4D {
  const { batch, residual, ...rest } = options;
  const { scale, shift } = state;
  const parts = rangesOf(x.shape[0], batch!).map((range, i) => {
    const inner = new Tape(true);
    const own =
      i === 0
        ? state
        : { ...state, runningMean: state.runningMean.clone(), runningVariance: state.runningVariance.clone() };
    const [input, added] = [sliceImages(x, range), residual && sliceImages(residual, range)];
    const output = batchNorm(inner, input, own, { ...rest, ...(added && { residual: added }) });
    if (i > 0) for (const unused of [own.runningMean, own.runningVariance]) unused.dispose();
    return { range, inner, input, added, output };
  });
  const y = joinImages(parts.map(({ output }) => output.clone()));
  const inputs = residual ? [x, scale, shift, residual] : [x, scale, shift];
  const backward = (dy: Tensor) => {
    const gradients = parts.map(({ range, inner, input, added, output }) => {
      const sources = [input, scale, shift, ...(added ? [added] : [])];
      const own = inner.gradients(output, sliceImages(dy, range), sources);
      for (const image of [input, added]) image?.dispose();
      return own;
    });
    const column = (k: number) => gradients.map((all) => all[k]!);
    return [joinImages(column(0)), sumOf(column(1)), sumOf(column(2)), ...(residual ? [joinImages(column(3))] : [])];
  };
  const discard = () => {
    for (const { inner, input, added } of parts) {
      inner.discard();
      for (const image of [input, added]) image?.dispose();
    }
  };
  return tape.record(inputs, y, backward, [], discard);
}

/** The sum of the terms, which are disposed of. */
function sumOf(terms: Tensor[]): Tensor {
  return terms.reduce((a, b) => {
    const sum = run('Add', { a, b })[0]!;
    a.dispose();
    b.dispose();
    return sum;
  });
}

/** Inputs of BatchNormTrain and BatchNormInference: x and residual [N, H, W, C], the others [C]. */
export interface BatchNormInputs {
  x: TensorInfo;
  scale: TensorInfo;
  shift: TensorInfo;
  runningMean: TensorInfo;
  runningVariance: TensorInfo;
  residual?: TensorInfo;
}

/** Inputs of BatchNormTrainGrad: dy, x and y [N, H, W, C], the others [C]. */
export type BatchNormGradInputs = Record<'dy' | 'x' | 'y' | 'scale' | 'mean' | 'inverseDeviation', TensorInfo>;

/** Attributes of BatchNormTrain. */
export type BatchNormTrainAttributes = Pick<BatchNormOptions, 'epsilon' | 'momentum' | 'relu'>;
/** Attributes of BatchNormInference. */
export type BatchNormInferenceAttributes = Pick<BatchNormOptions, 'epsilon' | 'relu'>;
/** Attributes of BatchNormTrainGrad; `residual`: whether there was one. */
export interface BatchNormGradAttributes {
  relu: boolean;
  residual: boolean;
}

/** [y, mean, 1/sqrt(variance + epsilon), new running mean, new running variance] */
const batchNormTrain = referenceKernel(
  'BatchNormTrain',
  (inputs: BatchNormInputs, { epsilon, momentum, relu }: BatchNormTrainAttributes, memory) => {
    const channels = inputs.scale.shape[0]!;
    const outputs = [inputs.x.shape, [channels], [channels], [channels], [channels]].map((s) => memory.allocate(s));
    const [y, mean, inverseDeviation, newMean, newVariance] = outputs.map((o) => memory.view(o)) as FiveViews;
    const x = memory.view(inputs.x);
    const runningMean = memory.view(inputs.runningMean);
    const runningVariance = memory.view(inputs.runningVariance);
    const count = x.length / channels;
    const [sum, squares] = sumAndDot(x, x, new Float32Array(channels));
    for (let c = 0; c < channels; c++) {
      const centre = sum[c]! / count;
      // In doubles: (mean/deviation)^2 may reach 1e8 before this loses digits that a float32 has.
      const variance = Math.max(0, squares[c]! / count - centre * centre);
      mean[c] = centre;
      inverseDeviation[c] = 1 / Math.sqrt(variance + epsilon);
      newMean[c] = (1 - momentum) * runningMean[c]! + momentum * centre;
      newVariance[c] = (1 - momentum) * runningVariance[c]! + (momentum * variance * count) / Math.max(1, count - 1);
    }
    normalise(y, x, mean, inverseDeviation, inputs, relu, memory);
    return outputs;
  },
);
type FiveViews = [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];

/**
 * Pixels summed at a time: within a block, which fits the processor's cache, the sums go channel by channel, so that a
 * channel's sums stay in registers (twice as fast as adding to arrays pixel by pixel).
 */
const block = 64;

/** Sums of a and of a (b - centre) for each channel. */
function sumAndDot(a: Float32Array, b: Float32Array, centre: Float32Array): [Float64Array, Float64Array] {
  const channels = centre.length;
  const sums = new Float64Array(channels);
  const dots = new Float64Array(channels);
  for (let start = 0; start < a.length; start += block * channels) {
    const end = Math.min(start + block * channels, a.length);
    for (let c = 0; c < channels; c++) {
      const origin = centre[c]!;
      let sum = 0;
      let dot = 0;
      for (let i = start + c; i < end; i += channels) {
        const value = a[i]!;
        sum += value;
        dot += value * (b[i]! - origin);
      }
      sums[c]! += sum;
      dots[c]! += dot;
    }
  }
  return [sums, dots];
}

const batchNormInference = referenceKernel(
  'BatchNormInference',
  (inputs: BatchNormInputs, { epsilon, relu }: BatchNormInferenceAttributes, memory) => {
    const y = memory.allocate(inputs.x.shape);
    const inverseDeviation = memory.view(inputs.runningVariance).map((v) => 1 / Math.sqrt(v + epsilon));
    normalise(
      memory.view(y),
      memory.view(inputs.x),
      memory.view(inputs.runningMean),
      inverseDeviation,
      inputs,
      relu,
      memory,
    );
    return [y];
  },
);

function normalise(
  y: Float32Array,
  x: Float32Array,
  mean: Float32Array,
  inverseDeviation: Float32Array,
  inputs: BatchNormInputs,
  relu: boolean,
  memory: { view(tensor: TensorInfo): Float32Array },
): void {
  const scale = memory.view(inputs.scale);
  const shift = memory.view(inputs.shift);
  const residual = inputs.residual && memory.view(inputs.residual);
  const channels = scale.length;
  const slope = Float64Array.from(scale, (s, c) => s * inverseDeviation[c]!);
  const offset = Float64Array.from(shift, (s, c) => s - slope[c]! * mean[c]!);
  for (let i = 0; i < x.length; ) {
    for (let c = 0; c < channels; c++, i++) {
      const value = slope[c]! * x[i]! + offset[c]! + (residual ? residual[i]! : 0);
      y[i] = relu ? Math.max(value, 0) : value; // NaN stays NaN, so that a diverged run is noticed
    }
  }
}

/**
 * With g = dy where y > 0 (all of dy without ReLU), xhat = (x - mean) inverseDeviation, `count` values per channel:
 * dShift = sum g, dScale = sum g xhat, dResidual = g,
 * dx = scale inverseDeviation (g - dShift/count - xhat dScale/count).
 * [dx, dScale, dShift, dResidual if there was a residual]
 */
const batchNormTrainGrad = referenceKernel(
  'BatchNormTrainGrad',
  (inputs: BatchNormGradInputs, { relu, residual }: BatchNormGradAttributes, memory) => {
    const channels = inputs.scale.shape[0]!;
    const shapes = [inputs.x.shape, [channels], [channels], ...(residual ? [inputs.x.shape] : [])];
    const outputs = shapes.map((s) => memory.allocate(s));
    const [dx, dScale, dShift, dResidual] = outputs.map((o) => memory.view(o)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array?,
    ];
    const [dy, x, y] = [memory.view(inputs.dy), memory.view(inputs.x), memory.view(inputs.y)];
    const [scale, mean, inverse] = [
      memory.view(inputs.scale),
      memory.view(inputs.mean),
      memory.view(inputs.inverseDeviation),
    ];
    const g = dResidual ?? dx;
    if (relu) for (let i = 0; i < g.length; i++) g[i] = dy[i]! * Number(y[i]! > 0);
    else g.set(dy);
    const [sum, dot] = sumAndDot(g, x, mean);
    const count = x.length / channels;
    const slope = new Float64Array(channels);
    const tilt = new Float64Array(channels);
    const offset = new Float64Array(channels);
    for (let c = 0; c < channels; c++) {
      dShift[c] = sum[c]!;
      dScale[c] = dot[c]! * inverse[c]!;
      slope[c] = scale[c]! * inverse[c]!;
      tilt[c] = (-slope[c]! * dot[c]! * inverse[c]! ** 2) / count;
      offset[c] = (-slope[c]! * sum[c]!) / count - tilt[c]! * mean[c]!;
    }
    for (let i = 0; i < x.length; )
      for (let c = 0; c < channels; c++, i++) dx[i] = slope[c]! * g[i]! + tilt[c]! * x[i]! + offset[c]!;
    return outputs;
  },
);

/** The references of BatchNormTrain, BatchNormTrainGrad and BatchNormInference. */
export const batchNormKernels = [batchNormTrain, batchNormTrainGrad, batchNormInference];
