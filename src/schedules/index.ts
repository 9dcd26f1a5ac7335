import { Registry } from '../registry.js';
import { clr } from './clr.js';
import { clrBeta } from './clr-beta.js';
import { constant } from './constant.js';
import { cosine } from './cosine.js';
import { expRange } from './exp-range.js';
import { kerasOneCycle } from './keras-one-cycle.js';
import { multiStep } from './multi-step.js';
import { oneCycle } from './one-cycle.js';
import { phases } from './phases.js';
import { smith1cycle } from './smith-1cycle.js';
import { triangular } from './triangular.js';
import { triangular2 } from './triangular2.js';

/** The LR and the momentum of one update. */
export interface Hyperparameters {
  lr: number;
  momentum: number;
}

/** Pure: `iteration` counts the run's batches from 0. Nothing is counted inside, so a run resumes at any iteration. */
export type Schedule = (iteration: number) => Hyperparameters;

/** How long the run is. */
export interface RunLength {
  /** Updates in the whole run. */
  iterations: number;
  /** Updates in one epoch: durations in epochs are converted with it. */
  iterationsPerEpoch: number;
}

/** The schedules that a config can name, made for the length of a run. */
export const schedules = new Registry<[RunLength], Schedule>('schedule', [
  constant,
  clr,
  clrBeta,
  smith1cycle,
  oneCycle,
  kerasOneCycle,
  triangular,
  triangular2,
  expRange,
  multiStep,
  cosine,
  phases,
]);
