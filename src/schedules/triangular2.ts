import { z } from 'zod';
import { entry } from '../registry.js';
import type { RunLength, Schedule } from './schedule.js';
import { triangles, triangularOptions } from './triangular.js';

/** Triangles, each half as high as the one before (arXiv:1506.01186). */
export const triangular2 = entry({
  type: 'triangular2',
  options: z.object(triangularOptions),
  create: (options, length: RunLength): Schedule => triangles(options, length, (cycle) => 0.5 ** cycle),
});
