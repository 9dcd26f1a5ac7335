import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { AdamUpdate } from '../../../ops/adam-update.js';
import { splitInto } from '../../../ops/kernel.js';
import type { SgdUpdate } from '../../../ops/sgd-update.js';
import type { OnednnBackend } from '../backend.js';
import { kernel } from './kernel.js';

/** In place: the outputs reuse the memory of the inputs, which the caller disposes of. */
export const updateKernels = [
  kernel('SgdUpdate', (inputs: TensorInfo[], attributes: SgdUpdate, backend) => {
    const [given, gradients, givenVelocities] = splitInto(3, inputs);
    const parameters = writables(given, backend);
    const velocities = writables(givenVelocities, backend);
    backend.addon.sgd(
      views(parameters, backend),
      views(gradients, backend),
      views(velocities, backend),
      Float64Array.from(attributes.lr),
      Float64Array.from(attributes.momentum),
      Float64Array.from(attributes.weightDecay),
      attributes.nesterov,
      attributes.weightDecayMode === 'decoupled',
      attributes.lrPlacement === 'inside',
    );
    return [...parameters, ...velocities];
  }),
  kernel('AdamUpdate', (inputs: TensorInfo[], attributes: AdamUpdate, backend) => {
    const { lr, beta1, beta2, epsilon, weightDecay, weightDecayMode } = attributes;
    const [given, gradients, givenFirst, givenSecond] = splitInto(4, inputs.slice(0, -1));
    const parameters = writables(given, backend);
    const first = writables(givenFirst, backend);
    const second = writables(givenSecond, backend);
    const steps = backend.writable(inputs.at(-1)!);
    const t = ++backend.view(steps)[0]!;
    backend.addon.adam(
      views(parameters, backend),
      views(gradients, backend),
      views(first, backend),
      views(second, backend),
      Float64Array.from(lr),
      Float64Array.from(lr, (rate) => rate / (1 - beta1 ** t)),
      Float64Array.from(weightDecay),
      beta1,
      beta2,
      1 / Math.sqrt(1 - beta2 ** t),
      epsilon,
      weightDecayMode === 'decoupled',
    );
    return [...parameters, ...first, ...second, steps];
  }),
];

const writables = (tensors: TensorInfo[], backend: OnednnBackend) => tensors.map((t) => backend.writable(t));
const views = (tensors: TensorInfo[], backend: OnednnBackend) => tensors.map((t) => backend.view(t));
