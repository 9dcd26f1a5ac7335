import { z } from 'zod';
import { concatChannels } from '../ops/concat-channels.js';
import { globalAveragePool } from '../ops/global-average-pool.js';
import { pool2d } from '../ops/pool2d.js';
import { entry } from '../registry.js';
import { initDescription, initNames } from './init.js';
import { type Layer, Layers } from './layers.js';
import type { Model, ModelContext } from './model.js';
import { batchNormOf, batchNormOptions } from './residual.js';

const stemChannels = 16;
const halving = { kind: 'average', window: 2, stride: 2, relu: false } as const;

/**
 * DenseNets without bottlenecks (Huang et al., arXiv:1608.06993): a 3x3 stem of 16 channels, three blocks of (depth -
 * 4) / 3 layers that each append `growth` channels, with transitions to half the size between them, global average
 * pooling, a dense layer. DenseNet-40 with growth 12: 1,019,722 parameters for 10 classes; Smith's genDensenet40
 * (arXiv:1803.09820) is that with dropout 0.2 and bn_momentum 0.001.
 */
export const densenet = entry({
  type: 'densenet',
  about: 'DenseNets without bottlenecks: three blocks, in which each layer reads the outputs of all earlier ones.',
  source: 'https://arxiv.org/abs/1608.06993',
  options: z.object({
    depth: z
      .int()
      .min(7)
      .max(400)
      .refine((depth) => depth % 3 === 1, 'must be 3n+4: 7, 40, 100, ...')
      .default(40)
      .describe('3n+4: n layers in each of the three blocks'),
    growth: z.int().min(1).max(256).default(12).describe('channels that each layer adds'),
    compression: z.number().gt(0).max(1).default(1).describe('share of the channels that a transition keeps'),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe('share of values dropped after each convolution except the first'),
    init: z.enum(initNames).default('he-normal').describe(initDescription),
    ...batchNormOptions,
  }),
  create({ depth, growth, compression, dropout, init, ...config }, context: ModelContext): Model {
    const layers = new Layers({ init, convBias: false, batchNorm: batchNormOf(config) }, context);
    const stem = layers.conv('stem.conv', 3, context.inputShape[2], stemChannels);
    const steps: Layer[] = [];
    let channels = stemChannels;
    for (const block of [1, 2, 3]) {
      for (let layer = 1; layer <= (depth - 4) / 3; layer++, channels += growth)
        steps.push(denseLayer(layers, `block${block}.layer${layer}`, channels, growth, dropout));
      if (block === 3) continue;
      const kept = Math.max(1, Math.floor(compression * channels));
      steps.push(transition(layers, `transition${block}`, channels, kept, dropout));
      channels = kept;
    }
    const lastNorm = layers.batchNorm('last.bn', channels);
    const head = layers.dense('head', channels, context.classes);
    return {
      parameters: layers.parameters,
      statistics: layers.statistics,
      forward(tape, x) {
        let y = stem(tape, x); // [N, 32, 32, 16]
        for (const step of steps) y = step(tape, y);
        y = lastNorm(tape, y, { relu: true }); // [N, 8, 8, channels]
        return head(tape, globalAveragePool(tape, y)); // [N, classes]
      },
    };
  },
});

/** BN-ReLU-conv3x3-dropout, beside its input. */
function denseLayer(layers: Layers, name: string, from: number, growth: number, rate: number): Layer {
  const branch = normedConv(layers, name, 3, from, growth, rate);
  return (tape, x) => concatChannels(tape, x, branch(tape, x));
}

/** BN-ReLU-conv1x1-dropout, then the mean over 2x2 pixels. */
function transition(layers: Layers, name: string, from: number, to: number, rate: number): Layer {
  const branch = normedConv(layers, name, 1, from, to, rate);
  return (tape, x) => pool2d(tape, branch(tape, x), halving);
}

function normedConv(layers: Layers, name: string, size: number, from: number, to: number, rate: number): Layer {
  const norm = layers.batchNorm(`${name}.bn`, from);
  const conv = layers.conv(`${name}.conv`, size, from, to);
  const drop = layers.dropout(rate);
  return (tape, x) => drop(tape, conv(tape, norm(tape, x, { relu: true })));
}
