import type { Parameter } from '../models/model.js';
import { Registry } from '../registry.js';
import { adam, adamw } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { sgd } from './sgd.js';

/** The optimizers that a config can name, made for the parameters that they then update. */
export const optimizers = new Registry<[Parameter[]], Optimizer>('optimizer', [sgd, adam, adamw]);
