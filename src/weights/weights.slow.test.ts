import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import { models } from '../models/index.js';
import type { Model, Variable } from '../models/model.js';
import { Tape } from '../ops/tape.js';
import { randomStream } from '../random.js';
import { askPython, findPython } from '../testing/python.js';
import { encode, type WeightFormat, weightFormats } from './export.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-weights-'));
afterAll(() => rmSync(scratch, { recursive: true }));
beforeAll(() => cpu.activate({}));

const modules = ['torch', 'onnx', 'onnxruntime', 'safetensors'];
const python = findPython(modules);
const imageShape: [number, number, number] = [32, 32, 3];
const { uniform } = randomStream(7, 'synthetic');

/** A model whose vectors (running statistics, biases, ...) differ from their initial values. */
function prepare(config: object): { model: Model; config: { model: never } } {
  const options = models.schema.parse(config);
  const model = models.create(options, {
    inputShape: imageShape,
    classes: 10,
    random: randomStream(1, 'init'),
    seed: 1,
  });
  for (const variable of [...model.statistics, ...model.parameters] as Variable[])
    if (variable.value.rank === 1)
      replace(variable, (size) => Float32Array.from({ length: size }, () => uniform() + 0.5));
  return { model, config: { model: options as never } };
}

function replace(variable: Variable, values: (size: number) => Float32Array): void {
  const { size } = variable.value;
  variable.value.dispose();
  variable.value = tensor1d(values(size));
}

const resnets = ['post-conv', 'after-add', 'pre-activation', 'smith'].map((bn_placement) => {
  return [`ResNet-56 ${bn_placement}`, { type: 'resnet', bn_placement }] as const;
});
const shortcuts = ['projection', 'projection-2x2', 'avgpool-concat'].map((shortcut) => {
  return [`ResNet-8 ${shortcut}`, { type: 'resnet', depth: 8, shortcut, conv_bias: true }] as const;
});
const others = [{ type: 'cifar3' }, { type: 'wide-resnet', depth: 10, width: 1 }, { type: 'densenet' }].map(
  (config) => [config.type, config] as const,
);

describe.skipIf(!python)('exported weights give the same logits to 1e-4', () => {
  const cases = [
    ...[...resnets, ...shortcuts].flatMap(([name, config]) =>
      (Object.keys(weightFormats) as WeightFormat[]).map((format) => [name, format, config] as const),
    ),
    ...others.map(([name, config]) => [name, 'onnx', config] as const),
  ];

  it.each(cases)('%s as %s', async (name, format, options) => {
    const { model, config } = prepare(options);
    const images = Float32Array.from({ length: 2 * 32 * 32 * 3 }, () => 2 * uniform() - 1);
    const x = tensor4d(images, [2, ...imageShape]);
    const expected = (await model.forward(new Tape(false), x).array()) as number[][];
    const file = path.join(scratch, `${name.replaceAll(' ', '-')}.${weightFormats[format]}`);
    writeFileSync(file, await encode(format, model, config, imageShape, { classes: ['a'] }, 5));
    const question = { file, options: config.model, images: await x.array() };
    const logits = askPython<number[][]>('scripts/weights-reference.py', modules, question)!;
    const largest = Math.max(...expected.flat().map(Math.abs));
    const errors = logits.flat().map((value, i) => Math.abs(value - expected.flat()[i]!) / largest);
    expect(errors).toHaveLength(20);
    expect(Math.max(...errors)).toBeLessThan(1e-4);
  });
});
