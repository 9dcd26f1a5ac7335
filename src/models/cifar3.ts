import type { Tensor4D } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { conv2d } from '../ops/conv2d.js';
import { flatten } from '../ops/flatten.js';
import { lrnWithinChannel } from '../ops/lrn-within-channel.js';
import { type Pool2D, pool2d, pooledSize } from '../ops/pool2d.js';
import type { Tape } from '../ops/tape.js';
import { entry } from '../registry.js';
import { type Layer, Layers } from './layers.js';
import type { Model, ModelContext } from './model.js';

const pooling = { window: 3, stride: 2, relu: true };
const lrn = { size: 3, alpha: 5e-5, beta: 0.75 };

/**
 * The shallow 3-layer net of arXiv:1803.09820: Caffe's cifar10_full (https://github.com/lnsmith54/hyperParam1,
 * Cifar/architectures/cifar3.prototxt). 5x5 convolutions of 32, 32 and 64 channels, each followed by 3x3 pooling at
 * stride 2 (maximum, average, average) with ReLU, the first two by local response normalisation; a dense layer. 89,578
 * parameters for CIFAR-10. It is meant for pixels of 0 to 255 (`normalisation: mean-image`). Unlike in the file, the
 * dense layer's inputs are in the order of [H, W, C], which makes no difference to its random weights.
 */
export const cifar3 = entry({
  type: 'cifar3',
  about: "The shallow 3-layer net of Smith's paper, Caffe's cifar10_full: made for `normalisation: mean-image`.",
  source: 'https://github.com/lnsmith54/hyperParam1',
  options: z.object({}),
  create(_config, context: ModelContext): Model {
    const { inputShape, classes } = context;
    const [height, width, channels] = inputShape;
    const layers = new Layers({ init: { deviation: 0.01 }, convBias: true }, context);
    const stages = [
      stage(layers, 'conv1', [5, 5, channels, 32], { kind: 'max', deviation: 0.0001, biasLr: 2 }),
      stage(layers, 'conv2', [5, 5, 32, 32], { kind: 'average', deviation: 0.01, biasLr: 2 }),
      stage(layers, 'conv3', [5, 5, 32, 64], { kind: 'average', deviation: 0.01, biasLr: 1 }),
    ];
    const pooled = (size: number) => stages.reduce((left) => pooledSize(left, pooling), size);
    const multipliers = { weights: { decay: 250 }, bias: { lr: 2, decay: 0 } };
    const head = layers.dense('ip1', pooled(height) * pooled(width) * 64, classes, multipliers);
    return {
      parameters: layers.parameters,
      statistics: layers.statistics,
      forward(tape, x) {
        let y = stages[0]!(tape, x); // [N, 16, 16, 32]
        y = stages[1]!(tape, lrnWithinChannel(tape, y, lrn)); // [N, 8, 8, 32]
        y = stages[2]!(tape, lrnWithinChannel(tape, y, lrn)); // [N, 4, 4, 64]
        return head(tape, flatten(tape, y)); // [N, classes]
      },
    };
  },
});

/** Convolution with a bias, ReLU, pooling; ReLU and maximum may be exchanged. */
function stage(
  layers: Layers,
  name: string,
  shape: [number, number, number, number],
  { kind, deviation, biasLr }: { kind: Pool2D['kind']; deviation: number; biasLr: number },
): Layer {
  const filter = layers.filter(name, shape, { deviation });
  const bias = layers.bias(name, new Float32Array(shape[3]), { lr: biasLr });
  return (tape: Tape, x: Tensor4D) => pool2d(tape, conv2d(tape, x, filter.value, 1), { kind, ...pooling }, bias.value);
}
