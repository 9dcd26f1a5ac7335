import type { Tensor } from '@tensorflow/tfjs-core';
import type { Variable } from '../models/model.js';
import type { Hyperparameters } from '../schedules/schedule.js';

/** An update rule with its memory; LR and momentum are passed at each step, so that they can cycle. */
export interface Optimizer {
  /** Velocities, moments: one tensor for each parameter and kind, saved in checkpoints. */
  readonly state: Variable[];
  /** Replaces each parameter's value; disposes of the old values and the gradients (given in the parameters' order). */
  step(gradients: Tensor[], hyperparameters: Hyperparameters): void;
}
