import { z } from 'zod';
import { entry } from '../registry.js';
import type { Model, ModelContext } from './model.js';
import { placementDescription, residualNet, residualOptions } from './residual.js';

const three = (max: number) => {
  const count = z.int().min(1).max(max);
  return z.tuple([count, count, count]);
};

/**
 * Wide residual nets (Zagoruyko & Komodakis, arXiv:1605.07146): WRN-d-k has (d - 4) / 6 blocks in each of its groups of
 * 16 k, 32 k and 64 k channels; 36,479,194 parameters for WRN-28-10 and 10 classes. Smith's wide32cifar
 * (arXiv:1803.09820) has 5 blocks in groups of 16, 64, 256 channels, batch norm as in his ResNet-56, 2x2 projections.
 */
export const wideResnet = entry({
  type: 'wide-resnet',
  about: 'Wide residual nets: WRN-d-k, or any numbers of blocks and channels in the three groups.',
  source: 'https://arxiv.org/abs/1605.07146',
  options: z.object({
    depth: z
      .int()
      .min(10)
      .max(1000)
      .refine((depth) => depth % 6 === 4, 'must be 6n+4: 10, 16, 22, 28, 40, ...')
      .default(28)
      .describe('6n+4: n blocks in each group'),
    width: z.int().min(1).max(64).default(10).describe('the factor k of the channels 16, 32 and 64'),
    blocks: three(200).optional().describe('blocks in each group, instead of depth'),
    channels: three(4096).optional().describe('channels of each group, instead of width'),
    dropout: z.number().min(0).lt(1).default(0).describe('share of values dropped between the convolutions of a block'),
    shortcut: z
      .enum(['projection', 'projection-2x2'])
      .default('projection')
      .describe(
        'how a shortcut changes size and channels. projection: a 1x1 convolution; projection-2x2: 2x2 if the size is halved',
      ),
    ...residualOptions,
    bn_placement: residualOptions.bn_placement.unwrap().default('pre-activation').describe(placementDescription),
  }),
  resolve: ({ depth, width, ...others }) => ({
    ...(!others.blocks && { depth }),
    ...(!others.channels && { width }),
    ...others,
  }),
  create({ depth, width, blocks, channels, ...config }, context: ModelContext): Model {
    const n = (depth - 4) / 6;
    const counts = blocks ?? [n, n, n];
    const widths = channels ?? [16 * width, 32 * width, 64 * width];
    return residualNet(
      config,
      counts.map((count, group) => ({ blocks: count, channels: widths[group]! })),
      context,
    );
  },
});
