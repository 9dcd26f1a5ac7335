import type { TensorInfo } from '@tensorflow/tfjs-core';
import type {
  BatchNormGradAttributes,
  BatchNormGradInputs,
  BatchNormInferenceAttributes,
  BatchNormInputs,
  BatchNormTrainAttributes,
} from '../../../ops/batch-norm.js';
import { requireShape } from '../../../ops/kernel.js';
import { kernel } from './kernel.js';

export const batchNormKernels = [
  kernel(
    'BatchNormTrain',
    (
      { x, scale, shift, runningMean, runningVariance, residual }: BatchNormInputs,
      { epsilon, momentum, relu }: BatchNormTrainAttributes,
      backend,
    ) => {
      requireShape(x.shape, { residual });
      requireShape(x.shape.slice(-1), { scale, shift, runningMean, runningVariance });
      const y = backend.allocateActivation(x.shape);
      const [mean, inverse, newMean, newVariance] = [0, 0, 0, 0].map(() => backend.allocate(scale.shape)) as Four;
      const line = new Float32Array(2 * scale.shape[0]!);
      backend.addon.batchNormTrain(
        backend.activation(x),
        residual && backend.activation(residual),
        backend.view(scale),
        backend.view(shift),
        backend.view(runningMean),
        backend.view(runningVariance),
        backend.activation(y),
        backend.view(mean),
        backend.view(inverse),
        backend.view(newMean),
        backend.view(newVariance),
        line,
        epsilon,
        momentum,
        relu,
      );
      if (!residual) backend.stored(y).line = line;
      return [y, mean, inverse, newMean, newVariance];
    },
  ),
  kernel('BatchNormTrainGrad', (inputs: BatchNormGradInputs, { relu, residual }: BatchNormGradAttributes, backend) => {
    const { dy, x, y, scale, mean, inverseDeviation } = inputs;
    requireShape(x.shape, { dy, y });
    requireShape(x.shape.slice(-1), { scale, mean, inverseDeviation });
    const dx = backend.allocateActivation(x.shape);
    const [dScale, dShift] = [backend.allocate(scale.shape), backend.allocate(scale.shape)];
    const dResidual = residual ? backend.allocateActivation(x.shape) : undefined;
    const { line } = backend.stored(y);
    const { terms } = backend.stored(dy); // not added yet: the kernel adds them as it reads
    const fits = residual && terms?.every((term) => term instanceof Uint16Array === backend.bf16);
    const [dy1, dy2] = fits ? terms! : [backend.activation(dy), undefined];
    backend.addon.batchNormTrainGrad(
      dy1,
      dy2,
      backend.activation(x),
      backend.activation(y),
      line,
      backend.view(scale),
      backend.view(mean),
      backend.view(inverseDeviation),
      backend.activation(dx),
      backend.view(dScale),
      backend.view(dShift),
      dResidual && backend.activation(dResidual),
      relu,
    );
    return dResidual ? [dx, dScale, dShift, dResidual] : [dx, dScale, dShift];
  }),
  kernel('BatchNormInference', (inputs: BatchNormInputs, { epsilon, relu }: BatchNormInferenceAttributes, backend) => {
    const { x, residual, ...vectors } = inputs;
    requireShape(x.shape, { residual });
    requireShape(x.shape.slice(-1), vectors);
    const [mean, variance] = [backend.view(inputs.runningMean), backend.view(inputs.runningVariance)];
    const slope = backend.view(inputs.scale).map((s, c) => s / Math.sqrt(variance[c]! + epsilon));
    const offset = backend.view(inputs.shift).map((s, c) => s - slope[c]! * mean[c]!);
    const y = backend.allocateActivation(x.shape);
    const added = residual && backend.activation(residual);
    backend.addon.affine(backend.activation(x), added, slope, offset, backend.activation(y), relu);
    return [y];
  }),
];
type Four = [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
