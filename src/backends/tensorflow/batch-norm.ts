import { add, backend, mul, pow, rsqrt, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { type BatchNormInputs, finish } from './kernels.js';

/** The part of tfjs-node's backend that runs any TensorFlow op (tfjs-node 4.22, src/nodejs_kernel_backend.ts). */
export interface TensorFlowBackend {
  isUsingGpuDevice: boolean;
  binding: Record<'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_FLOAT', number> & {
    TF_Version: string;
  };
  executeMultipleOutputs(name: string, attributes: object[], inputs: Tensor[], outputs: number): Tensor[];
}

/** Batch norm in training by TensorFlow's own fused ops (https://www.tensorflow.org/api_docs/python/tf/raw_ops). */
export const batchNormKernels = {
  BatchNormTrain(
    { x, scale, shift, runningMean, runningVariance, residual }: BatchNormInputs,
    { epsilon, momentum, relu }: { epsilon: number; momentum: number; relu: boolean },
  ): Tensor[] {
    const empty = tensor1d([]);
    const inputs = [x, scale, shift, empty, empty];
    const [y, mean, variance] = execute('FusedBatchNormV3', fused(epsilon, ['T', 'U']), inputs, 6); // unbiased variance
    const count = x.size / scale.size;
    const biased = mul(variance!, (count - 1) / count);
    const average = (old: Tensor, batch: Tensor) => add(mul(old, 1 - momentum), mul(batch, momentum));
    return [
      finish(y!, residual, relu),
      mean!,
      rsqrt(add(biased, epsilon)),
      average(runningMean, mean!),
      average(runningVariance, variance!),
    ];
  },

  /** On a GPU the op wants cuDNN's saved 1/deviation, on the processor the variance (documented at its reserve_space_2). */
  BatchNormTrainGrad(
    { dy, x, y, scale, mean, inverseDeviation }: Record<string, Tensor>,
    { relu, residual }: { relu: boolean; residual: boolean },
  ): Tensor[] {
    const g = relu ? execute('ReluGrad', [type('T')], [dy!, y!], 1)[0]! : dy!;
    const saved = tensorFlow().isUsingGpuDevice ? inverseDeviation! : pow(inverseDeviation!, -2);
    const inputs = [g, x!, scale!, mean!, saved];
    const gradients = execute('FusedBatchNormGrad', fused(0, ['T']), inputs, 5).slice(0, 3);
    return residual ? [...gradients, relu ? g : g.clone()] : gradients;
  },
};

function fused(epsilon: number, types: string[]): object[] {
  const { TF_ATTR_FLOAT, TF_ATTR_STRING, TF_ATTR_BOOL } = tensorFlow().binding;
  return [
    ...types.map(type),
    { name: 'epsilon', type: TF_ATTR_FLOAT, value: epsilon },
    { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: TF_ATTR_BOOL, value: true },
  ];
}

function type(name: string): object {
  const { TF_ATTR_TYPE, TF_FLOAT } = tensorFlow().binding;
  return { name, type: TF_ATTR_TYPE, value: TF_FLOAT };
}

function execute(name: string, attributes: object[], inputs: Tensor[], outputs: number): Tensor[] {
  return tensorFlow().executeMultipleOutputs(name, attributes, inputs, outputs);
}

function tensorFlow(): TensorFlowBackend {
  return backend() as unknown as TensorFlowBackend;
}
