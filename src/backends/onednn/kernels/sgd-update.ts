import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { SgdUpdate } from '../../../ops/sgd-update.js';
import { kernel, requireShape } from './kernel.js';

/** In place: the outputs have the memory of the inputs, which the caller gives up. */
export const sgdUpdate = kernel('SgdUpdate', (inputs: TensorInfo[], attributes: SgdUpdate, backend) => {
  const count = inputs.length / 3;
  for (const [k, { shape }] of inputs.slice(0, count).entries())
    requireShape(shape, { gradient: inputs[count + k], velocity: inputs[2 * count + k] });
  const parameters = inputs.slice(0, count).map((t) => backend.writable(t));
  const velocities = inputs.slice(2 * count).map((t) => backend.writable(t));
  const values = (tensors: TensorInfo[]) => tensors.map((t) => backend.view(t));
  backend.addon.sgd(
    values(parameters),
    values(inputs.slice(count, 2 * count)),
    values(velocities),
    Float64Array.from(attributes.momentum),
    Float64Array.from(attributes.weightDecay),
    attributes.lr,
    attributes.nesterov,
    attributes.weightDecayMode === 'decoupled',
    attributes.lrPlacement === 'inside',
  );
  return [...parameters, ...velocities];
});
