import type { Tensor } from '@tensorflow/tfjs-core';
import type { Parameter, Variable } from '../models/index.js';
import { Registry } from '../registry.js';
import type { Hyperparameters } from '../schedules/index.js';
import { adam, adamw } from './adam.js';
import { sgd } from './sgd.js';

/** An update rule with its memory; LR and momentum are given anew at each step, so that they can cycle. */
export interface Optimizer {
  /** Velocities, moments: one tensor for each parameter and kind, saved in checkpoints. */
  readonly state: Variable[];
  /** Replaces each parameter's value; disposes of the old values and of the gradients (given in the parameters' order). */
  step(gradients: Tensor[], hyperparameters: Hyperparameters): void;
}

/** The optimizers that a config can name, made for the parameters that they then update. */
export const optimizers = new Registry<[Parameter[]], Optimizer>('optimizer', [sgd, adam, adamw]);
