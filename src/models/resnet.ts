import { z } from 'zod';
import { entry } from '../registry.js';
import type { Model, ModelContext } from './model.js';
import { residualNet, residualOptions } from './residual.js';

const blocks = z.int().min(1).max(200); // as in the deepest net of He et al., of 1202 layers
const options = z.object({
  depth: z
    .int()
    .min(8)
    .max(1202)
    .refine((depth) => depth % 6 === 2, 'must be 6n+2: 8, 20, 32, 44, 56, 110, ...')
    .default(56)
    .describe('6n+2 layers: n blocks in each of the three stages'),
  blocks: z.tuple([blocks, blocks, blocks]).optional().describe('blocks in each stage, instead of depth'),
  shortcut: z
    .enum(['identity-pad', 'projection', 'projection-2x2', 'avgpool-concat'])
    .default('identity-pad')
    .describe(
      [
        'how a shortcut halves the size and doubles the channels. identity-pad: every second pixel, zero channels on both sides',
        'projection: a 1x1 convolution',
        'projection-2x2: a 2x2 convolution',
        'avgpool-concat: 3x3 average pooling, zero channels appended',
      ].join('; '),
    ),
  ...residualOptions,
});

/**
 * The CIFAR residual nets of He et al. (arXiv:1512.03385, section 4.2): a 3x3 stem of 16 channels, three stages of
 * blocks at 16, 32 and 64 channels and 32, 16 and 8 pixels, global average pooling, a dense layer. Parameters for 10
 * classes: ResNet-56 853,018 with shortcut identity-pad (A), 855,770 with projection (B).
 */
export const resnet = entry({
  type: 'resnet',
  about: 'The CIFAR residual nets of He et al.: a 3x3 stem, three stages of 16, 32 and 64 channels, average pooling.',
  source: 'https://arxiv.org/abs/1512.03385',
  options,
  resolve: ({ depth, ...others }) => (others.blocks ? others : { depth, ...others }),
  create({ depth, blocks, ...config }, context: ModelContext): Model {
    const n = (depth - 2) / 6;
    const stages = (blocks ?? [n, n, n]).map((count, stage) => ({ blocks: count, channels: 16 << stage }));
    return residualNet({ ...config, dropout: 0 }, stages, context);
  },
});
