import type { Tensor4D } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { add } from '../ops/add.js';
import { downsamplePad } from '../ops/downsample-pad.js';
import { globalAveragePool } from '../ops/global-average-pool.js';
import type { Tape } from '../ops/tape.js';
import { entry } from '../registry.js';
import { initNames } from './init.js';
import { type Layer, Layers } from './layers.js';
import type { Model, ModelContext } from './model.js';

const blocks = z.int().min(1).max(200); // those of the deepest net of He et al., of 1202 layers
const options = z.object({
  depth: z
    .int()
    .min(8)
    .max(1202)
    .refine((depth) => depth % 6 === 2, 'must be 6n+2: 8, 20, 32, 44, 56, 110, ...')
    .default(56)
    .describe('6n+2 layers: n blocks in each of the three stages'),
  blocks: z.tuple([blocks, blocks, blocks]).optional().describe('blocks in each stage, in place of depth'),
  bn_placement: z
    .enum(['post-conv', 'after-add', 'pre-activation', 'smith'])
    .default('post-conv')
    .describe('where batch norm stands in a block'),
  shortcut: z
    .enum(['identity-pad', 'projection', 'projection-2x2', 'avgpool-concat'])
    .default('identity-pad')
    .describe('how a shortcut halves the size and doubles the channels'),
  init: z.enum(initNames).default('he-normal').describe('initial weights'),
  conv_bias: z.boolean().default(false).describe('a bias in each convolution'),
  bn_momentum: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe("weight of a new batch in batch norm's running statistics"),
  bn_epsilon: z.number().gt(0).max(1).default(1e-5).describe('added to the variance in batch norm'),
});
type Options = z.output<typeof options>;

/** A block at work; `from` and `to` are its input and output channels, different in the block that halves the size. */
interface Shape {
  name: string;
  from: number;
  to: number;
  stride: 1 | 2;
}

/**
 * The CIFAR residual nets of He et al. (arXiv:1512.03385, section 4.2): a 3x3 stem of 16 channels, three stages of blocks
 * at 16, 32 and 64 channels and 32, 16 and 8 pixels, global average pooling, a dense layer. Parameters for 10 classes:
 * ResNet-56 853,018 with shortcut identity-pad (A), 855,770 with projection (B).
 */
export const resnet = entry({
  type: 'resnet',
  about: 'The CIFAR residual nets of He et al.: a 3x3 stem, three stages of 16, 32 and 64 channels, average pooling.',
  source: 'https://arxiv.org/abs/1512.03385',
  options,
  resolve: ({ depth, ...others }) => (others.blocks ? others : { depth, ...others }),
  create(config, { inputShape, classes, random }: ModelContext): Model {
    const layers = new Layers(
      {
        init: config.init,
        convBias: config.conv_bias,
        batchNorm: { momentum: config.bn_momentum, epsilon: config.bn_epsilon },
      },
      random,
    );
    const preActivation = config.bn_placement === 'pre-activation';
    const stemConv = layers.conv('stem.conv', 3, inputShape[2], 16);
    const stemNorm = preActivation ? undefined : layers.batchNorm('stem.bn', 16);
    const makeBlock = blockMakers[config.bn_placement];
    const blocks = blockShapes(config).map((shape) => makeBlock(layers, shape, config.shortcut));
    const lastNorm = preActivation ? layers.batchNorm('last.bn', 64) : undefined;
    const head = layers.dense('head', 64, classes);
    return {
      parameters: layers.parameters,
      statistics: layers.statistics,
      forward(tape, x) {
        let y = stemConv(tape, x); // [N, 32, 32, 16]
        if (stemNorm) y = stemNorm(tape, y, { relu: true });
        for (const block of blocks) y = block(tape, y);
        if (lastNorm) y = lastNorm(tape, y, { relu: true }); // [N, 8, 8, 64]
        return head(tape, globalAveragePool(tape, y)); // [N, classes]
      },
    };
  },
});

function blockShapes({ depth, blocks }: Options): Shape[] {
  const n = (depth - 2) / 6;
  return (blocks ?? [n, n, n]).flatMap((count, stage) =>
    Array.from({ length: count }, (_, block): Shape => {
      const to = 16 << stage;
      const halves = stage > 0 && block === 0;
      return { name: `stage${stage + 1}.block${block + 1}`, from: halves ? to / 2 : to, to, stride: halves ? 2 : 1 };
    }),
  );
}

type BlockMaker = (layers: Layers, shape: Shape, shortcut: Options['shortcut']) => Layer;

/** What a block without pre-activation is made of: conv-BN-ReLU-conv, another batch norm, the shortcut. */
function convFirst(layers: Layers, shape: Shape, shortcut: Options['shortcut']) {
  const { name, from, to, stride } = shape;
  const conv1 = layers.conv(`${name}.conv1`, 3, from, to, stride);
  const norm1 = layers.batchNorm(`${name}.bn1`, to);
  const conv2 = layers.conv(`${name}.conv2`, 3, to, to);
  const norm2 = layers.batchNorm(`${name}.bn2`, to);
  const branch: Layer = (tape, x) => conv2(tape, norm1(tape, conv1(tape, x), { relu: true }));
  return { branch, norm2, skip: makeShortcut(layers, shape, shortcut, true) };
}

/** conv-BN-ReLU-conv-BN, plus the shortcut, and (He et al. 2015) ReLU of the sum; Smith's gResnet56 leaves that ReLU out. */
const convNormBlock =
  (reluAfterSum: boolean): BlockMaker =>
  (layers, shape, shortcut) => {
    const { branch, norm2, skip } = convFirst(layers, shape, shortcut);
    return (tape, x) => norm2(tape, branch(tape, x), { relu: reluAfterSum, residual: skip(tape, x) });
  };

const blockMakers: Record<Options['bn_placement'], BlockMaker> = {
  'post-conv': convNormBlock(true),
  smith: convNormBlock(false),

  /** conv-BN-ReLU-conv, plus the shortcut, then BN-ReLU of the sum: the first net of the fastai forum's thread. */
  'after-add': (layers, shape, shortcut) => {
    const { branch, norm2, skip } = convFirst(layers, shape, shortcut);
    return (tape, x) => norm2(tape, add(tape, branch(tape, x), skip(tape, x)), { relu: true });
  },

  /**
   * BN-ReLU-conv-BN-ReLU-conv, plus the shortcut (He et al. 2016, arXiv:1603.05027). Where the size is halved the shortcut
   * too starts from the activated input, and a projection has no batch norm of its own.
   */
  'pre-activation': (layers, shape, shortcut) => {
    const { name, from, to, stride } = shape;
    const norm1 = layers.batchNorm(`${name}.bn1`, from);
    const conv1 = layers.conv(`${name}.conv1`, 3, from, to, stride);
    const norm2 = layers.batchNorm(`${name}.bn2`, to);
    const conv2 = layers.conv(`${name}.conv2`, 3, to, to);
    const skip = makeShortcut(layers, shape, shortcut, false);
    return (tape, x) => {
      const active = norm1(tape, x, { relu: true });
      const hidden = norm2(tape, conv1(tape, active), { relu: true });
      return add(tape, conv2(tape, hidden), skip(tape, stride === 2 ? active : x));
    };
  },
};

/** The identity, unless the block halves the size. */
function makeShortcut(
  layers: Layers,
  { name, from, to, stride }: Shape,
  kind: Options['shortcut'],
  normalised: boolean,
): Layer {
  if (stride === 1) return (_tape, x) => x;
  if (kind === 'identity-pad')
    return (tape, x) => downsamplePad(tape, x, { window: 1, channels: to, offset: (to - from) / 2 });
  if (kind === 'avgpool-concat') return (tape, x) => downsamplePad(tape, x, { window: 3, channels: to, offset: 0 });
  const conv = layers.conv(`${name}.shortcut.conv`, kind === 'projection' ? 1 : 2, from, to, 2);
  if (!normalised) return conv;
  const norm = layers.batchNorm(`${name}.shortcut.bn`, to);
  return (tape: Tape, x: Tensor4D) => norm(tape, conv(tape, x), { relu: false });
}
