import { scalar, zerosLike } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Parameter } from '../models/model.js';
import { type AdamUpdate, adamUpdate } from '../ops/adam-update.js';
import { entry } from '../registry.js';
import { clipOptions, withClipping } from './clip.js';
import type { Optimizer } from './optimizer.js';
import { decayOf, ratesOf, weightDecayOptions } from './rates.js';

const { weight_decay_mode: _, ...decayOptions } = weightDecayOptions; // the type decides which

const options = z.object({
  cycle_beta1: z
    .boolean()
    .default(true)
    .describe("whether beta1 is the schedule's momentum at each update; fastai 0.7 did so from 8 April 2018 on"),
  beta1: z.number().min(0).lt(1).default(0.9).describe('decay of the first moment, with cycle_beta1 false'),
  beta2: z.number().min(0).lt(1).default(0.999).describe('decay of the second moment; fastai 1 has 0.99'),
  epsilon: z.number().gt(0).default(1e-8).describe('added to the root of the second moment'),
  ...decayOptions,
  ...clipOptions,
});

/** Adam with L2 weight decay (added to the gradient), as torch.optim.Adam. */
export const adam = entry({
  type: 'adam',
  about: "Adam with L2 weight decay; the schedule's momentum is beta1.",
  formula: 'g += weight_decay p; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr m^ / (sqrt(v^) + epsilon)',
  source: 'https://arxiv.org/abs/1412.6980',
  options,
  create: (o, parameters: Parameter[]) => create(o, parameters, 'l2'),
});

/** Adam with decoupled weight decay, as torch.optim.AdamW and `use_wd_sched` of fastai 0.7 in its final form. */
export const adamw = entry({
  type: 'adamw',
  about: "Adam with decoupled weight decay; the schedule's momentum is beta1.",
  formula: 'p -= lr weight_decay p; then as adam, without weight decay in g',
  source: 'https://arxiv.org/abs/1711.05101',
  options,
  create: (o, parameters: Parameter[]) => create(o, parameters, 'decoupled'),
});

function create(
  { cycle_beta1, beta1, beta2, epsilon, clip_norm, ...decay }: z.output<typeof options>,
  parameters: Parameter[],
  weightDecayMode: AdamUpdate['weightDecayMode'],
): Optimizer {
  const moment = (kind: string) =>
    parameters.map(({ name, value }) => ({ name: `${name}.${kind}`, value: zerosLike(value) }));
  const [first, second, steps] = [moment('first_moment'), moment('second_moment'), { name: 'steps', value: scalar(0) }];
  const weightDecay = decayOf(parameters, decay);
  const values = (variables: { value: Parameter['value'] }[]) => variables.map((v) => v.value);
  const optimizer: Optimizer = {
    state: [...first, ...second, steps],
    step(gradients, { lr, momentum }) {
      const moments = { first: values(first), second: values(second), steps: steps.value };
      const rates = { lr: ratesOf(parameters, lr), beta1: cycle_beta1 ? momentum : beta1, beta2, epsilon };
      const [newValues, next] = adamUpdate(values(parameters), gradients, moments, {
        ...rates,
        weightDecay,
        weightDecayMode,
      });
      steps.value = next.steps as typeof steps.value;
      parameters.forEach((p, i) => {
        p.value = newValues[i]!;
        first[i]!.value = next.first[i]!;
        second[i]!.value = next.second[i]!;
      });
    },
  };
  return withClipping(optimizer, clip_norm);
}
