import { z } from 'zod';
import { entry } from '../registry.js';
import type { RunLength, Schedule } from './schedule.js';
import { triangles, triangularOptions } from './triangular.js';

/** Triangles, each half as high as the one before (arXiv:1506.01186). */
export const triangular2 = entry({
  type: 'triangular2',
  about: 'Cyclical learning rates: triangles, each half as high as the one before.',
  formula: 'as triangular, with (max_lr - base_lr) / 2^cycle',
  source: 'https://arxiv.org/abs/1506.01186',
  options: z.object(triangularOptions),
  create: (options, length: RunLength): Schedule => triangles(options, length, (cycle) => 0.5 ** cycle),
});
