import { Registry } from '../registry.js';
import { clr } from './clr.js';
import { clrBeta } from './clr-beta.js';
import { constant } from './constant.js';
import { cosine } from './cosine.js';
import { expRange } from './exp-range.js';
import { flatCos } from './flat-cos.js';
import { inverseSqrt } from './inverse-sqrt.js';
import { kerasOneCycle } from './keras-one-cycle.js';
import { multiStep } from './multi-step.js';
import { oneCycle } from './one-cycle.js';
import { phases } from './phases.js';
import { rex } from './rex.js';
import type { RunLength, Schedule } from './schedule.js';
import { smith1cycle } from './smith-1cycle.js';
import { triangular } from './triangular.js';
import { triangular2 } from './triangular2.js';
import { wsd } from './wsd.js';

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
  flatCos,
  wsd,
  inverseSqrt,
  rex,
  phases,
]);
