import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { copyRegisteredKernels, registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { referenceKernels } from '../ops/index.js';
import { expectAgreement } from '../testing/kernel-agreement.js';
import type { Availability } from './backend.js';
import { probeBackends, useBackend } from './index.js';
import { type Case, compute, kernelCases, type Values } from './kernel-cases.js';
import { ways } from './onednn/ways.js';
import { registerComposedKernels } from './tensorflow/register.js';

const values = (...shape: number[]): Values => {
  return { shape, values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)) };
};
/** Plus one that no model needs and that in-process backends leave to tfjs. */
const cases: Case[] = [...kernelCases, ['a feature map and a vector', 'Add', { a: values(3, 5, 7, 3), b: values(3) }]];

test('the cases cover every op of ours', () => {
  expect(cases.map(([, kernel]) => kernel)).toEqual(expect.arrayContaining(referenceKernels.map(({ name }) => name)));
});

/** tensorflow's composed kernels on tfjs's cpu backend, so that they are tested even without TensorFlow. */
registerBackend('composed', () => new MathBackendCPU());
copyRegisteredKernels('cpu', 'composed');
const composed: Compared = {
  name: 'composed',
  availability: { usable: true, device: 'cpu' },
  cases: cases.filter(([, kernel]) => !kernel.startsWith('BatchNormTrain')), // TensorFlow's own ops compute these
  async activate() {
    await setBackend('composed');
    registerComposedKernels('composed');
  },
};
interface Compared {
  name: string;
  availability: Availability;
  cases: Case[];
  /** Largest difference allowed, as a share of the largest value; default 1e-5. */
  tolerance?: number;
  activate(): Promise<unknown>;
}

/** GPUs have their own tests (webgpu/): a software GPU takes minutes to compile what these cases need. */
const backends = (await probeBackends())
  .filter(({ name }) => name !== 'cpu' && name !== 'webgpu')
  .map((found): Compared => ({ ...found, cases, activate: () => useBackend(found.name, { precision: 'f32' }) }));
/** bfloat16 activations keep 8 bits. So do the inputs here, so that any difference comes from the kernels. */
const bf16 = backends
  .filter(({ name }) => name === 'onednn')
  .map((onednn): Compared => {
    const activate = () => useBackend('onednn', { precision: 'bf16' });
    return { ...onednn, name: 'onednn in bf16', cases: cases.map(cutToBf16), tolerance: 1e-2, activate };
  });

/** Each way of computing a convolution, forced. */
const forced = [...backends, ...bf16]
  .filter(({ name }) => name.startsWith('onednn'))
  .flatMap((onednn) =>
    ways.map((way): Compared => {
      const activate = async () => {
        vi.stubEnv('CLR_CONVOLUTION', way);
        await onednn.activate().finally(vi.unstubAllEnvs);
      };
      const convolutions = onednn.cases.filter(([, kernel]) => kernel.startsWith('Conv2D'));
      return { ...onednn, name: `${onednn.name}, convolutions ${way},`, cases: convolutions, activate };
    }),
  );

function cutToBf16([what, kernel, inputs, attributes]: Case): Case {
  const cut = ({ shape, values }: Values) => {
    const bits = new Uint32Array(values.slice().buffer).map((float) => float & 0xffff0000);
    return { shape, values: new Float32Array(bits.buffer) };
  };
  const entries = Object.entries(inputs).map(([name, values]) => [name, cut(values)] as const);
  return [what, kernel, Array.isArray(inputs) ? entries.map(([, v]) => v) : Object.fromEntries(entries), attributes];
}

/** NaN and infinity must reach the loss: otherwise a diverged run would continue for ever. */
const notFinite: Values = { shape: [1, 1, 6, 1], values: Float32Array.of(Number.NaN, Infinity, -Infinity, 1, -1, 0) };
const one = (value: number): Values => ({ shape: [1], values: Float32Array.of(value) });
const inference = { x: notFinite, scale: one(1), shift: one(0), runningMean: one(0), runningVariance: one(1) };
const notFiniteCases: Case[] = [
  ['ReLU', 'BatchNormInference', inference, { epsilon: 0, relu: true }],
  ['no ReLU', 'BatchNormInference', inference, { epsilon: 0, relu: false }],
  ['bias', 'BiasAdd', { x: notFinite, bias: one(1) }],
  ['sum', 'Add', { a: notFinite, b: notFinite }],
  ['mean', 'GlobalAveragePool', { x: notFinite }],
];
const expectedNotFinite = [
  [Number.NaN, Infinity, 0, 1, 0, 0],
  [Number.NaN, Infinity, -Infinity, 1, -1, 0],
  [Number.NaN, Infinity, -Infinity, 2, 0, 1],
  [Number.NaN, Infinity, -Infinity, 2, -2, 0],
  [Number.NaN],
];

/** Includes webgpu: five kernels compile quickly. */
const everywhere = (await probeBackends()).map(({ name, availability }) => ({
  name,
  availability,
  device: availability.usable ? availability.onlyAs : undefined,
}));
for (const { name, availability, device } of everywhere)
  test.skipIf(!availability.usable)(
    `${name} keeps NaN and infinity`,
    async () => {
      await useBackend(name, { precision: 'f32', device });
      const outputs: number[][] = [];
      for (const one of notFiniteCases) outputs.push([...(await compute(one))[0]!.values]);
      expect(outputs).toEqual(expectedNotFinite);
    },
    60_000,
  );

/** The cpu backend's results, computed once for all comparisons. */
const references = new Map<Case, Values[]>();

for (const { name, availability, cases, tolerance = 1e-5, activate } of [...backends, ...bf16, ...forced, composed]) {
  if (!availability.usable) console.log(`backend ${name} is not compared: ${availability.reason}`);
  describe.skipIf(!availability.usable)(`${name} agrees with the reference`, () => {
    beforeAll(async () => {
      await useBackend('cpu', { precision: 'f32' });
      for (const c of cases) if (!references.has(c)) references.set(c, await compute(c));
      await activate();
    }, 60_000);

    test.each(cases.map((c, i) => [c[1], c[0], i] as const))('%s %s', async (_kernel, _what, i) => {
      await expectAgreement(cases[i]!, references.get(cases[i]!)!, tolerance);
    });
  });
}
