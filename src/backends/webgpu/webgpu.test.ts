import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectAgreement } from '../../testing/kernel-agreement.js';
import { probeBackends, useBackend } from '../index.js';
import { compute, kernelCases, type Values } from '../kernel-cases.js';
import { WebgpuBackend } from './backend.js';
import { findAdapter, openDevice } from './gpu.js';

const { availability } = (await probeBackends()).find(({ name }) => name === 'webgpu')!;
const device = availability.usable ? availability.onlyAs : undefined;
if (!availability.usable) console.log(`webgpu is not tested: ${availability.reason}`);

/** The first case of each kernel; kernels.slow.test.ts has all cases in both precisions. */
const cases = kernelCases.filter(([, kernel], i) => kernelCases.findIndex((c) => c[1] === kernel) === i);

describe.skipIf(!availability.usable)('webgpu', () => {
  let expected: Values[][];
  beforeAll(async () => {
    await useBackend('cpu', { precision: 'f32' });
    expected = [];
    for (const one of cases) expected.push(await compute(one));
    await useBackend('webgpu', { precision: 'f32', device });
  }, 60_000);

  test.each(cases.map((c, i) => [c[1], i] as const))(
    '%s agrees with the reference',
    async (_kernel, i) => {
      await expectAgreement(cases[i]!, expected[i]!, 1e-5);
    },
    60_000,
  );

  test('tensors keep their values when the memory they share grows, and free it', async () => {
    const values = (k: number) => Float32Array.from({ length: 300_000 }, (_, i) => k + i / 8);
    const many = () => [0, 1, 2, 3, 4, 5, 6].map((k) => tensor(values(k)));
    const check = async (tensors: Tensor[]) => {
      for (const [k, t] of tensors.entries()) expect((await t.data()).every((v, i) => v === k + i / 8)).toBe(true);
      for (const t of tensors) t.dispose();
    };
    await check(many()); // 8.4 MB, twice what there is at first
    await check(many());
  });

  test('a read returns the values at the time of the call', async () => {
    const first = tensor(Float32Array.of(1, 2, 3));
    const values = first.data();
    first.dispose();
    const second = tensor(Float32Array.of(4, 5, 6)); // in the same place
    expect(await values).toEqual(Float32Array.of(1, 2, 3));
    expect(await second.data()).toEqual(Float32Array.of(4, 5, 6));
    second.dispose();
  });

  test('a lost device makes the next read fail', async () => {
    const gpu = await openDevice(await findAdapter(device));
    const backend = new WebgpuBackend(gpu);
    const dataId = backend.write(Float32Array.of(1, 2), [2], 'float32');
    expect(await backend.read(dataId)).toEqual(Float32Array.of(1, 2));
    gpu.device.destroy();
    await expect(backend.read(dataId)).rejects.toThrow(/GPU: .*(lost|destroyed)/);
  });

  test.skipIf(!device)('uses a software adapter only by name, and rejects other names', async () => {
    const options = { precision: 'f32' } as const;
    await expect(useBackend('webgpu', options)).rejects.toThrow(/finds no GPU, only/);
    await expect(useBackend('webgpu', { ...options, device: 'nonsense' })).rejects.toThrow(
      /no device named "nonsense"/,
    );
  });
});
