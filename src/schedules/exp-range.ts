import { z } from 'zod';
import { entry } from '../registry.js';
import type { RunLength, Schedule } from './schedule.js';
import { triangles, triangularOptions } from './triangular.js';

/** Triangles whose height shrinks by `gamma` at each iteration (arXiv:1506.01186). */
export const expRange = entry({
  type: 'exp-range',
  options: z.object({ ...triangularOptions, gamma: z.number().gt(0).max(1).default(0.99994) }),
  create: ({ gamma, ...options }, length: RunLength): Schedule => triangles(options, length, (_, t) => gamma ** t),
});
