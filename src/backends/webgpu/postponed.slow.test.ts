import { backend, memory, ones, randomNormal, type Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { run } from '../../ops/kernel.js';
import type { Precision } from '../backend.js';
import { probeBackends, useBackend } from '../index.js';
import { relativeError } from '../kernel-cases.js';
import type { WebgpuBackend } from './backend.js';

const { availability } = (await probeBackends()).find(({ name }) => name === 'webgpu')!;
const device = availability.usable ? availability.onlyAs : undefined;
if (!availability.usable) console.log(`webgpu is not tested: ${availability.reason}`);

type Inputs = Record<'x' | 'filter' | 'dy', Tensor>;

/** The values that `work` computes from the inputs of a 3x3 convolution; checks that it leaves nothing behind. */
async function compute(work: (inputs: Inputs) => Tensor[], [from, to]: [number, number]): Promise<Float32Array[]> {
  const gpu = backend() as WebgpuBackend;
  const count = () => [gpu.numDataIds(), memory().numTensors, memory().numDataBuffers];
  const before = count();
  const shapes = { x: [3, 6, 5, from], filter: [3, 3, from, to], dy: [3, 6, 5, to] };
  const entries = Object.entries(shapes).map(([k, shape], seed) => [k, randomNormal(shape, 0, 1, 'float32', seed + 1)]);
  const inputs = Object.fromEntries(entries) as Inputs;
  const outputs = work(inputs);
  const values = await Promise.all(outputs.map(async (t) => Float32Array.from(await t.data())));
  for (const tensor of new Set([...Object.values(inputs), ...outputs])) tensor.dispose();
  expect(count()).toEqual(before);
  return values;
}

const attributes = { strides: [1, 1], pad: 1, dataFormat: 'NHWC' };
const add = (a: Tensor, b: Tensor) => run('Add', { a, b })[0]!;
const inputGradient = ({ x, filter, dy }: Inputs) =>
  run('Conv2DBackpropInput', { dy, filter }, { ...attributes, inputShape: x.shape })[0]!;

const filterGradient = ({ x, filter, dy }: Inputs) =>
  run('Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape: filter.shape })[0]!;

/** Which dispatches are issued, and when, must not affect the values. */
const works: [string, names: string[], (inputs: Inputs) => Tensor[]][] = [
  [
    'an input gradient that is added to another gradient, in either order, and looked at afterwards',
    ['Conv2DBackpropInput+Add', 'Conv2DBackpropInput+Add', 'Conv2DBackpropInput'],
    (inputs) => {
      const dx = inputGradient(inputs);
      return [add(inputs.x, dx), add(dx, inputs.x), dx, inputs.x];
    },
  ],
  [
    'an input gradient plus itself',
    ['Conv2DBackpropInput', 'Conv2DBackpropInput+Add'],
    (inputs) => {
      const dx = inputGradient(inputs);
      return [add(dx, dx), dx];
    },
  ],
  [
    'an input gradient that nobody looks at',
    [],
    (inputs) => {
      inputGradient(inputs).dispose();
      return [];
    },
  ],
  [
    'an input gradient whose inputs are gone',
    ['Conv2DBackpropInput'],
    (inputs) => {
      const dx = inputGradient(inputs);
      inputs.dy.dispose();
      inputs.filter.dispose();
      return [dx];
    },
  ],
  [
    'two gradients of filters, the later one looked at first',
    ['Conv2DBackpropFilter/parts', 'Conv2DBackpropFilter/parts', 'Conv2DBackpropFilter/sum'],
    (inputs) => [filterGradient(inputs), filterGradient(inputs)].reverse(),
  ],
  [
    'a gradient of a filter after one that nobody looks at',
    ['Conv2DBackpropFilter/parts', 'Conv2DBackpropFilter/parts', 'Conv2DBackpropFilter/sum'],
    (inputs) => {
      filterGradient(inputs).dispose();
      return [filterGradient(inputs)];
    },
  ],
];

describe.skipIf(!availability.usable).each([
  ['f32', 1e-5],
  ['f16', 1e-2],
] as [Precision, number][])('webgpu in %s', (precision, tolerance) => {
  describe.each([
    [3, 5],
    [16, 8],
  ] as [number, number][])('%i to %i channels', (...channels) => {
    test.each(works)(
      '%s',
      async (_what, names, work) => {
        await useBackend('cpu', {});
        const expected = await compute(work, channels);
        await useBackend('webgpu', { precision, device });
        const { commands } = backend() as WebgpuBackend;
        const dispatched: string[] = [];
        commands.observer = ({ name }) => void dispatched.push(name.split(' ')[0]!);
        const values = await compute(work, channels);
        commands.observer = undefined;
        values.forEach((output, i) => void expect(relativeError(output, expected[i]!)).toBeLessThan(tolerance));
        expect(dispatched.filter((name) => /Conv|Add/.test(name))).toEqual(names);
      },
      60_000,
    );
  });
});

test.skipIf(!availability.usable)(
  'a gradient of more weights than one dispatch has workgroups for',
  async () => {
    await useBackend('webgpu', { precision: 'f32', device });
    const [from, to] = [1025, 1024]; // 16 weights for each of 65,600 workgroups
    const [x, dy] = [ones([1, 1, 1, from]), ones([1, 1, 1, to])];
    const gradient = run(
      'Conv2DBackpropFilter',
      { x, dy },
      { ...attributes, pad: 0, filterShape: [1, 1, from, to] },
    )[0]!;
    expect(new Set(await gradient.data())).toEqual(new Set([1]));
    for (const tensor of [x, dy, gradient]) tensor.dispose();
  },
  300_000,
);
