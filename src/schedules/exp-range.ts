import { z } from 'zod';
import { entry } from '../registry.js';
import type { RunLength, Schedule } from './schedule.js';
import { triangles, triangularOptions } from './triangular.js';

/** Triangles whose height shrinks by `gamma` at each iteration (arXiv:1506.01186). */
export const expRange = entry({
  type: 'exp-range',
  about: 'Cyclical learning rates: triangles whose height shrinks by gamma at each iteration.',
  formula: 'as triangular, with (max_lr - base_lr) gamma^t',
  source: 'https://arxiv.org/abs/1506.01186',
  options: z.object({
    ...triangularOptions,
    gamma: z.number().gt(0).max(1).default(0.99994).describe('factor by which the height shrinks at each iteration'),
  }),
  create: ({ gamma, ...options }, length: RunLength): Schedule => triangles(options, length, (_, t) => gamma ** t),
});
