import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { copyRegisteredKernels, memory, registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { referenceKernels } from '../ops/index.js';
import { type Availability, probeBackends, useBackend } from './index.js';
import { type Case, kernelCases as cases, compute, relativeError, type Values } from './kernel-cases.js';
import { registerComposedKernels } from './tensorflow/register.js';

test('every op of ours is among the cases', () => {
  expect(cases.map(([, kernel]) => kernel)).toEqual(expect.arrayContaining(referenceKernels.map(({ name }) => name)));
});

/** tensorflow's compositions on tfjs's cpu backend, so that they are tested where TensorFlow is not installed. */
registerBackend('composed', () => new MathBackendCPU());
copyRegisteredKernels('cpu', 'composed');
const composed: Compared = {
  name: 'composed',
  availability: { usable: true, device: 'cpu' },
  cases: cases.filter(([, kernel]) => !kernel.startsWith('BatchNormTrain')), // these are TensorFlow's own
  async activate() {
    await setBackend('composed');
    registerComposedKernels('composed');
  },
};
interface Compared {
  name: string;
  availability: Availability;
  cases: Case[];
  activate(): Promise<unknown>;
}

/** A GPU has tests of its own (webgpu/): a software one takes minutes to compile all that these cases need. */
const backends = (await probeBackends())
  .filter(({ name }) => name !== 'cpu' && name !== 'webgpu')
  .map((found): Compared => ({ ...found, cases, activate: () => useBackend(found.name, { precision: 'f32' }) }));

for (const { name, availability, cases, activate } of [...backends, composed]) {
  if (!availability.usable) console.log(`backend ${name} is not compared: ${availability.reason}`);
  describe.skipIf(!availability.usable)(`${name} agrees with the reference`, () => {
    const expected: Values[][] = [];
    beforeAll(async () => {
      await useBackend('cpu', { precision: 'f32' });
      for (const c of cases) expected.push(await compute(c));
      await activate();
    });

    test.each(cases.map((c, i) => [c[1], c[0], i] as const))('%s %s', async (_kernel, _what, i) => {
      const before = memory().numTensors;
      (await compute(cases[i]!)).forEach(({ shape, values }, output) => {
        const reference = expected[i]![output]!;
        expect(shape).toEqual(reference.shape);
        expect(relativeError(values, reference.values), `output ${output}`).toBeLessThan(1e-5);
      });
      expect(memory().numTensors).toBe(before);
    });
  });
}
