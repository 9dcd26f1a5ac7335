import type { Tensor, Tensor1D, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';
import type { Tape } from './tape.js';

/** Batch norm of one layer; every tensor is [C]. */
export interface BatchNormState {
  scale: Tensor1D;
  shift: Tensor1D;
  runningMean: Tensor1D;
  runningVariance: Tensor1D;
}

export interface BatchNormOptions {
  epsilon: number;
  /** The new batch's weight in the running statistics (PyTorch's meaning; Caffe's moving_average_fraction is 1 - this). */
  momentum: number;
  /** Ends in max(0, .). */
  relu: boolean;
  /** Added before the ReLU: the shortcut of a residual block, shaped like x. */
  residual?: Tensor4D;
}

/**
 * y = relu(scale (x - mean) / sqrt(variance + epsilon) + shift + residual) over x [N, H, W, C], statistics per channel
 * (Ioffe & Szegedy, arXiv:1502.03167). In training those of the batch (biased variance), and `state`'s running statistics
 * are replaced by their moving averages (unbiased variance, as in PyTorch, Caffe and TensorFlow); else the running ones.
 */
export function batchNorm(tape: Tape, x: Tensor4D, state: BatchNormState, options: BatchNormOptions): Tensor4D {
  const { scale, shift, runningMean, runningVariance } = state;
  const { epsilon, momentum, relu, residual } = options;
  if (!tape.training) {
    const inputs = { x, scale, shift, runningMean, runningVariance, residual };
    return run('BatchNormInference', inputs, { epsilon, relu })[0] as Tensor4D;
  }
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

interface Inputs {
  x: TensorInfo;
  scale: TensorInfo;
  shift: TensorInfo;
  runningMean: TensorInfo;
  runningVariance: TensorInfo;
  residual?: TensorInfo;
}

/** [y, mean, 1/sqrt(variance + epsilon), new running mean, new running variance] */
const batchNormTrain = referenceKernel(
  'BatchNormTrain',
  (inputs: Inputs, { epsilon, momentum, relu }: { epsilon: number; momentum: number; relu: boolean }, memory) => {
    const channels = inputs.scale.shape[0]!;
    const outputs = [inputs.x.shape, [channels], [channels], [channels], [channels]].map((s) => memory.allocate(s));
    const [y, mean, inverseDeviation, newMean, newVariance] = outputs.map((o) => memory.view(o)) as FiveViews;
    const x = memory.view(inputs.x);
    const runningMean = memory.view(inputs.runningMean);
    const runningVariance = memory.view(inputs.runningVariance);
    const count = x.length / channels;
    const sum = new Float64Array(channels);
    for (let i = 0; i < x.length; ) for (let c = 0; c < channels; c++) sum[c]! += x[i++]!;
    const centre = sum.map((s) => s / count);
    const squares = new Float64Array(channels);
    for (let i = 0; i < x.length; ) for (let c = 0; c < channels; c++) squares[c]! += (x[i++]! - centre[c]!) ** 2;
    for (let c = 0; c < channels; c++) {
      mean[c] = centre[c]!;
      inverseDeviation[c] = 1 / Math.sqrt(squares[c]! / count + epsilon);
      newMean[c] = (1 - momentum) * runningMean[c]! + momentum * centre[c]!;
      newVariance[c] = (1 - momentum) * runningVariance[c]! + (momentum * squares[c]!) / Math.max(1, count - 1);
    }
    normalise(y, x, mean, inverseDeviation, inputs, relu, memory);
    return outputs;
  },
);
type FiveViews = [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];

const batchNormInference = referenceKernel(
  'BatchNormInference',
  (inputs: Inputs, { epsilon, relu }: { epsilon: number; relu: boolean }, memory) => {
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
  inputs: Inputs,
  relu: boolean,
  memory: { view(tensor: TensorInfo): Float32Array },
): void {
  const scale = memory.view(inputs.scale);
  const shift = memory.view(inputs.shift);
  const residual = inputs.residual && memory.view(inputs.residual);
  const channels = scale.length;
  const slope = Float64Array.from(scale, (s, c) => s * inverseDeviation[c]!);
  const offset = Float64Array.from(shift, (s, c) => s - slope[c]! * mean[c]!);
  const floor = relu ? 0 : Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; ) {
    for (let c = 0; c < channels; c++, i++) {
      const value = slope[c]! * x[i]! + offset[c]! + (residual ? residual[i]! : 0);
      y[i] = Math.max(value, floor); // keeps NaN, so that a diverged run is seen
    }
  }
}

/**
 * With g = dy where y > 0 (all of dy without ReLU) and xhat = (x - mean) inverseDeviation, over `count` values a channel:
 * dShift = sum g, dScale = sum g xhat, dResidual = g,
 * dx = scale inverseDeviation (g - dShift/count - xhat dScale/count).
 * [dx, dScale, dShift, dResidual if there was a residual]
 */
const batchNormTrainGrad = referenceKernel(
  'BatchNormTrainGrad',
  (
    inputs: Record<'dy' | 'x' | 'y' | 'scale' | 'mean' | 'inverseDeviation', TensorInfo>,
    { relu, residual }: { relu: boolean; residual: boolean },
    memory,
  ) => {
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
    const sum = new Float64Array(channels);
    const dot = new Float64Array(channels);
    for (let i = 0; i < x.length; ) {
      for (let c = 0; c < channels; c++, i++) {
        const g = relu && y[i]! <= 0 ? 0 : dy[i]!;
        sum[c]! += g;
        dot[c]! += g * (x[i]! - mean[c]!);
      }
    }
    const count = x.length / channels;
    const slope = new Float64Array(channels);
    const lean = new Float64Array(channels);
    for (let c = 0; c < channels; c++) {
      dShift[c] = sum[c]!;
      dScale[c] = dot[c]! * inverse[c]!;
      slope[c] = scale[c]! * inverse[c]!;
      lean[c] = (dot[c]! * inverse[c]! ** 2) / count;
      sum[c]! /= count;
    }
    for (let i = 0; i < x.length; ) {
      for (let c = 0; c < channels; c++, i++) {
        const g = relu && y[i]! <= 0 ? 0 : dy[i]!;
        dx[i] = slope[c]! * (g - sum[c]! - (x[i]! - mean[c]!) * lean[c]!);
        if (dResidual) dResidual[i] = g;
      }
    }
    return outputs;
  },
);

export const batchNormKernels = [batchNormTrain, batchNormTrainGrad, batchNormInference];
