import type { Tensor4D } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { ClrError } from '../errors.js';
import { add } from '../ops/add.js';
import { downsamplePad } from '../ops/downsample-pad.js';
import { globalAveragePool } from '../ops/global-average-pool.js';
import type { Tape } from '../ops/tape.js';
import { initDescription, initNames } from './init.js';
import { type Layer, type LayerOptions, Layers } from './layers.js';
import type { Model, ModelContext } from './model.js';

const placements = ['post-conv', 'after-add', 'pre-activation', 'smith'] as const;
type Placement = (typeof placements)[number];
type Shortcut = 'identity-pad' | 'projection' | 'projection-2x2' | 'avgpool-concat';

/** Description of the option `bn_placement`. */
export const placementDescription = [
  'position of batch norm in a block. post-conv: after each convolution, ReLU after the sum (He et al. 2015)',
  'after-add: after the first convolution and after the sum, as in the forum thread',
  'pre-activation: with ReLU before each convolution (He et al. 2016)',
  'smith: as post-conv, without the ReLU after the sum (gResnet56)',
].join('; ');

/** Options of batch norm, shared by the models that have it. */
export const batchNormOptions = {
  bn_momentum: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe("weight of a new batch in batch norm's running statistics"),
  bn_epsilon: z.number().gt(0).max(1).default(1e-5).describe('added to the variance in batch norm'),
  bn_batch: z
    .int()
    .min(1)
    .optional()
    .describe('ghost batch norm: number of images per statistic, as on one of several GPUs; default: the whole batch'),
};

/** These options in the form that layers take. */
export function batchNormOf(config: z.output<z.ZodObject<typeof batchNormOptions>>): LayerOptions['batchNorm'] {
  return { momentum: config.bn_momentum, epsilon: config.bn_epsilon, batch: config.bn_batch };
}

/** Options that residual nets share. */
export const residualOptions = {
  bn_placement: z.enum(placements).default('post-conv').describe(placementDescription),
  init: z.enum(initNames).default('he-normal').describe(initDescription),
  conv_bias: z.boolean().default(false).describe('a bias in each convolution'),
  head_bias_multipliers: z
    .tuple([z.number().min(0), z.number().min(0)])
    .default([1, 1])
    .describe("LR and weight decay of the last layer's bias, times the run's; [2, 0] in Smith's Caffe files"),
  ...batchNormOptions,
};

interface BlockOptions {
  shortcut: Shortcut;
  /** Share of values dropped between the two convolutions of a block. */
  dropout: number;
}

type ResidualOptions = z.output<z.ZodObject<typeof residualOptions>> & BlockOptions;

/** Blocks of one image size. */
export interface Stage {
  blocks: number;
  channels: number;
}

/** Shape of a block: `from` and `to` are its input and output channels; `first`: whether it is the net's first. */
interface Shape {
  name: string;
  from: number;
  to: number;
  stride: 1 | 2;
  first: boolean;
}

const stemChannels = 16;

/**
 * A 3x3 stem of 16 channels, stages of residual blocks (each stage except the first starts by halving the size), global
 * average pooling, a dense layer.
 */
export function residualNet(config: ResidualOptions, stages: Stage[], context: ModelContext): Model {
  const { inputShape, classes } = context;
  if (config.shortcut === 'projection-2x2') requireEven(inputShape, stages.length - 1);
  const layers = new Layers(
    {
      init: config.init,
      convBias: config.conv_bias,
      batchNorm: batchNormOf(config),
    },
    context,
  );
  const preActivation = config.bn_placement === 'pre-activation';
  const stemConv = layers.conv('stem.conv', 3, inputShape[2], stemChannels);
  const stemNorm = preActivation ? undefined : layers.batchNorm('stem.bn', stemChannels);
  const makeBlock = blockMakers[config.bn_placement];
  const blocks = blockShapes(stages).map((shape) => makeBlock(layers, shape, config));
  const { channels } = stages.at(-1)!;
  const lastNorm = preActivation ? layers.batchNorm('last.bn', channels) : undefined;
  const [lr, decay] = config.head_bias_multipliers;
  const head = layers.dense('head', channels, classes, { bias: { lr, decay } });
  return {
    parameters: layers.parameters,
    statistics: layers.statistics,
    forward(tape, x) {
      let y = stemConv(tape, x); // [N, 32, 32, 16]
      if (stemNorm) y = stemNorm(tape, y, { relu: true });
      for (const block of blocks) y = block(tape, y);
      if (lastNorm) y = lastNorm(tape, y, { relu: true }); // [N, 8, 8, channels]
      return head(tape, globalAveragePool(tape, y)); // [N, classes]
    },
  };
}

/** A 2x2 convolution rounds half of an odd size down, the block's 3x3 one up. */
function requireEven([height, width]: ModelContext['inputShape'], halvings: number): void {
  if (height % 2 ** halvings === 0 && width % 2 ** halvings === 0) return;
  throw new ClrError(
    'usage',
    `model.shortcut: projection-2x2 cannot halve images of ${height} x ${width} ${halvings} times`,
    'use projection',
  );
}

function blockShapes(stages: Stage[]): Shape[] {
  let from = stemChannels;
  return stages.flatMap(({ blocks, channels: to }, stage) =>
    Array.from({ length: blocks }, (_, block): Shape => {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const shape = {
        name: `stage${stage + 1}.block${block + 1}`,
        from,
        to,
        stride,
        first: stage + block === 0,
      } as const;
      from = to;
      return shape;
    }),
  );
}

type BlockMaker = (layers: Layers, shape: Shape, options: BlockOptions) => Layer;

/** The parts of a block without pre-activation: conv-BN-ReLU-conv, another batch norm, the shortcut. */
function convFirst(layers: Layers, shape: Shape, { shortcut, dropout }: BlockOptions) {
  const { name, from, to, stride } = shape;
  const conv1 = layers.conv(`${name}.conv1`, 3, from, to, stride);
  const norm1 = layers.batchNorm(`${name}.bn1`, to);
  const conv2 = layers.conv(`${name}.conv2`, 3, to, to);
  const norm2 = layers.batchNorm(`${name}.bn2`, to);
  const drop = layers.dropout(dropout);
  const branch: Layer = (tape, x) => conv2(tape, drop(tape, norm1(tape, conv1(tape, x), { relu: true })));
  return { branch, norm2, skip: makeShortcut(layers, shape, shortcut, true) };
}

/** conv-BN-ReLU-conv-BN, plus the shortcut, then (He et al. 2015) a ReLU; Smith's gResnet56 omits that ReLU. */
const convNormBlock =
  (reluAfterSum: boolean): BlockMaker =>
  (layers, shape, options) => {
    const { branch, norm2, skip } = convFirst(layers, shape, options);
    return (tape, x) => norm2(tape, branch(tape, x), { relu: reluAfterSum, residual: skip(tape, x) });
  };

const blockMakers: Record<Placement, BlockMaker> = {
  'post-conv': convNormBlock(true),
  smith: convNormBlock(false),

  /** conv-BN-ReLU-conv, plus the shortcut, then BN-ReLU of the sum: the first net of the fastai forum's thread. */
  'after-add': (layers, shape, options) => {
    const { branch, norm2, skip } = convFirst(layers, shape, options);
    return (tape, x) => norm2(tape, add(tape, branch(tape, x), skip(tape, x)), { relu: true });
  },

  /**
   * BN-ReLU-conv-BN-ReLU-conv, plus the shortcut (He et al. 2016, arXiv:1603.05027). In the first block, and where size
   * or channels change, the shortcut also starts from the activated input, and a projection has no batch norm.
   */
  'pre-activation': (layers, shape, { shortcut, dropout }) => {
    const { name, from, to, stride } = shape;
    const shared = shape.first || changes(shape);
    const norm1 = layers.batchNorm(`${name}.bn1`, from);
    const conv1 = layers.conv(`${name}.conv1`, 3, from, to, stride);
    const norm2 = layers.batchNorm(`${name}.bn2`, to);
    const conv2 = layers.conv(`${name}.conv2`, 3, to, to);
    const drop = layers.dropout(dropout);
    const skip = makeShortcut(layers, shape, shortcut, false);
    return (tape, x) => {
      const active = norm1(tape, x, { relu: true });
      const hidden = norm2(tape, conv1(tape, active), { relu: true });
      return add(tape, conv2(tape, drop(tape, hidden)), skip(tape, shared ? active : x));
    };
  },
};

/** Whether the shortcut cannot be the identity. */
function changes({ from, to, stride }: Shape): boolean {
  return stride === 2 || from !== to;
}

/** The identity, unless the block halves the size or has more channels than its input. */
function makeShortcut(layers: Layers, shape: Shape, kind: Shortcut, normalised: boolean): Layer {
  const { name, from, to, stride } = shape;
  if (!changes(shape)) return (_tape, x) => x;
  if (kind === 'identity-pad')
    return (tape, x) => downsamplePad(tape, x, { window: 1, channels: to, offset: (to - from) / 2 });
  if (kind === 'avgpool-concat') return (tape, x) => downsamplePad(tape, x, { window: 3, channels: to, offset: 0 });
  const conv = layers.conv(
    `${name}.shortcut.conv`,
    kind === 'projection-2x2' && stride === 2 ? 2 : 1,
    from,
    to,
    stride,
  );
  if (!normalised) return conv;
  const norm = layers.batchNorm(`${name}.shortcut.bn`, to);
  return (tape: Tape, x: Tensor4D) => norm(tape, conv(tape, x), { relu: false });
}
