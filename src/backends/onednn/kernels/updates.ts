import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { AdamUpdate } from '../../../ops/adam-update.js';
import type { SgdUpdate } from '../../../ops/sgd-update.js';
import { kernel, requireShape } from './kernel.js';

/** In place: the outputs have the memory of the inputs, which the caller gives up. */
export const updateKernels = [
  kernel('SgdUpdate', (inputs: TensorInfo[], attributes: SgdUpdate, backend) => {
    const [given, gradients, velocities] = partsOf(inputs, 3);
    const [parameters, newVelocities] = [given!, velocities!].map((part) => part.map((t) => backend.writable(t)));
    backend.addon.sgd(
      ...[parameters!, gradients!, newVelocities!].map((part) => part.map((t) => backend.view(t))),
      Float64Array.from(attributes.momentum),
      Float64Array.from(attributes.weightDecay),
      attributes.lr,
      attributes.nesterov,
      attributes.weightDecayMode === 'decoupled',
      attributes.lrPlacement === 'inside',
    );
    return [...parameters!, ...newVelocities!];
  }),
  kernel('AdamUpdate', (inputs: TensorInfo[], attributes: AdamUpdate, backend) => {
    const { lr, beta1, beta2, epsilon, weightDecay, weightDecayMode } = attributes;
    const [given, gradients, ...moments] = partsOf(inputs.slice(0, -1), 4);
    const [parameters, first, second] = [given!, ...moments].map((part) => part.map((t) => backend.writable(t)));
    const steps = backend.writable(inputs.at(-1)!);
    const t = ++backend.view(steps)[0]!;
    backend.addon.adam(
      ...[parameters!, gradients!, first!, second!].map((part) => part.map((t) => backend.view(t))),
      Float64Array.from(weightDecay),
      lr,
      lr / (1 - beta1 ** t),
      beta1,
      beta2,
      1 / Math.sqrt(1 - beta2 ** t),
      epsilon,
      weightDecayMode === 'decoupled',
    );
    return [...parameters!, ...first!, ...second!, steps];
  }),
];

/** The inputs' `count` parts, tensors of the same shapes in each. */
function partsOf(inputs: TensorInfo[], count: number): TensorInfo[][] {
  const size = inputs.length / count;
  const parts = Array.from({ length: count }, (_, k) => inputs.slice(k * size, (k + 1) * size));
  for (const part of parts) for (const [k, tensor] of part.entries()) requireShape(inputs[k]!.shape, { [k]: tensor });
  return parts;
}
