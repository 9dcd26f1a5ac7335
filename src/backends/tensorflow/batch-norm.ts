import type { Tensor } from '@tensorflow/tfjs-core';
import { type BatchNormInputs, finish } from './kernels.js';
import { type Attribute, attribute, execute, release, renew, tensorFlow } from './ops.js';

/** Batch norm in training by TensorFlow's own fused ops. */
export const batchNormKernels = {
  /** The op itself updates the running statistics, with the batch's unbiased variance; they are changed in place. */
  BatchNormTrain(
    { x, scale, shift, runningMean, runningVariance, residual }: BatchNormInputs,
    { epsilon, momentum, relu }: { epsilon: number; momentum: number; relu: boolean },
  ): Tensor[] {
    const attributes = [...fused(epsilon), attribute.float('exponential_avg_factor', momentum)];
    const inputs = [x, scale, shift, runningMean, runningVariance];
    const [y, newMean, newVariance, mean, saved] = execute('FusedBatchNormV3', attributes, inputs, 6);
    const inverseDeviation = tensorFlow().isUsingGpuDevice ? saved! : op('Rsqrt', op('AddV2', saved!, epsilon));
    const statistics = [inPlace(runningMean, newMean!), inPlace(runningVariance, newVariance!)];
    return [finish(y!, residual, relu), mean!, inverseDeviation, ...statistics];
  },

  /** On a GPU the op expects cuDNN's saved 1/deviation, on the processor the variance (see its reserve_space_2). */
  BatchNormTrainGrad(
    { dy, x, y, scale, mean, inverseDeviation }: Record<string, Tensor>,
    { relu, residual }: { relu: boolean; residual: boolean },
  ): Tensor[] {
    const g = relu ? op('ReluGrad', dy!, y!) : dy!;
    const saved = tensorFlow().isUsingGpuDevice ? inverseDeviation! : op('Pow', inverseDeviation!, -2);
    const gradients = execute('FusedBatchNormGradV3', fused(0), [g, x!, scale!, mean!, saved, saved], 5).slice(0, 3);
    return residual ? [...gradients, relu ? g : g.clone()] : gradients;
  },
};

/** `tensor` with the new values; `values` itself if a clone still needs the old ones. */
function inPlace(tensor: Tensor, values: Tensor): Tensor {
  if (tensorFlow().tensorMap.get(tensor.dataId).refCount > 1) return values;
  renew(tensor, release(values));
  return tensor.clone();
}

function op(name: string, ...inputs: (Tensor | number)[]): Tensor {
  return execute(name, [attribute.float32()], inputs)[0]!;
}

function fused(epsilon: number): Attribute[] {
  return [
    attribute.float32('T'),
    attribute.float32('U'),
    attribute.float('epsilon', epsilon),
    attribute.text('data_format', 'NHWC'),
    attribute.flag('is_training', true),
  ];
}
