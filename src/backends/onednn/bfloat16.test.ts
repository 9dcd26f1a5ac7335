import { type Tensor2D, type Tensor4D, tensor, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { datasets } from '../../datasets/index.js';
import { models } from '../../models/index.js';
import { softmaxCrossEntropy } from '../../ops/softmax-cross-entropy.js';
import { Tape } from '../../ops/tape.js';
import { randomStream } from '../../random.js';
import type { Precision } from '../backend.js';
import { onednn } from './index.js';

// How much storing activations in bfloat16 may change, on any processor. The bounds follow from its 8 bits; distances
// are between whole tensors: |a - b| / |b| in the Euclidean norm.

/** Rounding to 8 significant bits changes a value by at most this share. */
const rounding = 2 ** -9;
/** If a ReLU's input is this close to zero, rounding decides whether the gradient passes. */
const gate = 2 ** -8;
const batch = 256;

interface Step {
  logits: Float32Array;
  /** Convolutions and batch norms, last layer first. */
  layers: { name: string; gradient: Float32Array }[];
}

/** One step of a ResNet-8, its forward and backward pass each in its own precision. */
async function step(forward: Precision, backward: Precision): Promise<Step> {
  await onednn.activate({ precision: forward });
  const config = datasets.schema.parse({ type: 'synthetic', train_size: batch, val_size: 10 });
  const { train } = await datasets.create(config, { cacheDirectory: '/nowhere', seed: 1, report() {} });
  const context = {
    inputShape: [32, 32, 3] as [number, number, number],
    classes: 10,
    random: randomStream(1, 'init'),
    seed: 1,
  };
  const { forward: infer, parameters } = models.create(models.schema.parse({ type: 'resnet', depth: 8 }), context);
  const x = tensor(
    Float32Array.from(train.images, (byte) => byte / 64 - 2),
    [batch, 32, 32, 3],
  ) as Tensor4D;
  const tape = new Tape(true);
  const logits: Tensor2D = infer(tape, x);
  const values = logits.dataSync() as Float32Array;
  const { gradient } = softmaxCrossEntropy(logits, tensor1d(Float32Array.from(train.labels)));
  await onednn.activate({ precision: backward });
  const sources = parameters.map(({ value }) => value);
  const gradients = tape.gradients(logits, gradient, sources).map((g) => g.dataSync() as Float32Array);
  const layers = parameters.map(({ name }, i) => ({ name, gradient: gradients[i]! })).slice(0, -2); // head: float32
  return { logits: values, layers: layers.reverse() };
}

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
const distance = (a: Float32Array, b: Float32Array) => norm(a.map((v, i) => v - b[i]!)) / norm(b);

/** Batch norms between a parameter and the loss; each layer has a shift, a scale and a filter, last layer first. */
const normsBehind = (index: number) => Math.floor(index / 3);
const isFilter = (index: number) => index % 3 === 2;

const availability = await onednn.probe();
describe.runIf(availability.usable)('a training step in bfloat16', () => {
  let float32: Step;
  let bfloat16: Step;
  beforeAll(async () => {
    float32 = await step('f32', 'f32');
    bfloat16 = await step('bf16', 'bf16');
  }, 60_000);

  it('differs from the step in float32', () => {
    expect(distance(bfloat16.logits, float32.logits)).toBeGreaterThan(rounding / 100);
  });

  it('has the logits of float32, up to one rounding per kernel', () => {
    const kernels = 2 * 7; // a convolution and a batch norm in each of seven layers
    expect(distance(bfloat16.logits, float32.logits)).toBeLessThan(rounding * Math.sqrt(kernels));
  });

  it('has the gradients of float32 for its activations, up to one rounding per backward kernel', async () => {
    const mixed = await step('bf16', 'f32');
    bfloat16.layers.forEach(({ name, gradient }, i) => {
      const kernels = 1 + 2 * normsBehind(i) + (isFilter(i) ? 1 : 0); // the pooling, then two per layer
      expect(distance(gradient, mixed.layers[i]!.gradient), name).toBeLessThan(rounding * kernels);
    });
  });

  it('has the gradients of float32, up to ReLU gates that rounding opens or closes', () => {
    bfloat16.layers.forEach(({ name, gradient }, i) => {
      const relus = 1 + normsBehind(i);
      expect(distance(gradient, float32.layers[i]!.gradient), name).toBeLessThan(Math.sqrt(gate * relus));
    });
  });
});
