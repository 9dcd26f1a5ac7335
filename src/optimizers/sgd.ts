import { zerosLike } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Parameter } from '../models/model.js';
import { sgdUpdate } from '../ops/sgd-update.js';
import { entry } from '../registry.js';
import { clipOptions, withClipping } from './clip.js';
import type { Optimizer } from './optimizer.js';
import { decayOf, ratesOf, weightDecayOptions } from './rates.js';

/** SGD with momentum; LR and momentum are those of the schedule, passed at each update. */
export const sgd = entry({
  type: 'sgd',
  about: 'SGD with momentum; LR and momentum are those of the schedule at each update.',
  formula: 'g += weight_decay p; outside: v = m v + g, p -= lr v; inside: v = m v + lr g, p -= v',
  source: 'https://arxiv.org/abs/1803.09820',
  options: z.object({
    nesterov: z.boolean().default(false).describe("Nesterov's momentum in PyTorch's and Caffe's form"),
    lr_placement: z
      .enum(['outside', 'inside'])
      .default('outside')
      .describe(
        [
          'where the LR is applied. outside: v = m v + g, p -= lr v (PyTorch, fastai)',
          'inside: v = m v + lr g, p -= v (Caffe)',
        ].join('; '),
      ),
    momentum_scope: z
      .enum(['all', 'first-layer'])
      .default('all')
      .describe("first-layer: the schedule's momentum only in the first layer, as in fastai 0.7 until 8 April 2018"),
    other_momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .describe('momentum of the other layers, with momentum_scope first-layer'),
    ...weightDecayOptions,
    ...clipOptions,
  }),
  create(options, parameters: Parameter[]): Optimizer {
    const state = parameters.map(({ name, value }) => ({ name: `${name}.velocity`, value: zerosLike(value) }));
    const weightDecay = decayOf(parameters, options);
    const inScope = parameters.map(
      ({ name }) => options.momentum_scope === 'all' || layerOf(name) === layerOf(parameters[0]!.name),
    );
    const optimizer: Optimizer = {
      state,
      step(gradients, { lr, momentum }) {
        const values = parameters.map((p) => p.value);
        const velocities = state.map((s) => s.value);
        const [newValues, newVelocities] = sgdUpdate(values, gradients, velocities, {
          lr: ratesOf(parameters, lr),
          momentum: inScope.map((cycled) => (cycled ? momentum : options.other_momentum)),
          weightDecay,
          nesterov: options.nesterov,
          weightDecayMode: options.weight_decay_mode,
          lrPlacement: options.lr_placement,
        });
        parameters.forEach((p, i) => {
          p.value = newValues[i]!;
          state[i]!.value = newVelocities[i]!;
        });
      },
    };
    return withClipping(optimizer, options.clip_norm);
  },
});

/** E.g. `stem.conv` for `stem.conv.filter`. */
function layerOf(parameterName: string): string {
  return parameterName.slice(0, parameterName.lastIndexOf('.'));
}
