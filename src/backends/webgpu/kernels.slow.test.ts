import { backend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { firstLosses } from '../../testing/first-losses.js';
import { expectAgreement } from '../../testing/kernel-agreement.js';
import type { Precision } from '../backend.js';
import { probeBackends, useBackend } from '../index.js';
import { kernelCases as cases, compute, type Values } from '../kernel-cases.js';
import type { WebgpuBackend } from './backend.js';
import { elementwise } from './shader.js';

const { availability } = (await probeBackends()).find(({ name }) => name === 'webgpu')!;
const device = availability.usable ? availability.onlyAs : undefined;
if (!availability.usable) console.log(`webgpu is not tested: ${availability.reason}`);

/**
 * Errors allowed in a kernel's output, relative to its largest value, and in a loss; then the LR for the losses. It is
 * low in float16, since the effect of a rounding on later losses grows with it.
 */
const tolerances: [Precision, kernel: number, loss: number, lr: number][] = [
  ['f32', 1e-5, 1e-5, 0.1],
  ['f16', 2e-2, 2e-2, 0.002],
];

describe.skipIf(!availability.usable).each(tolerances)('webgpu in %s', (precision, tolerance, ofLoss, lr) => {
  const expected: Values[][] = [];
  let losses: number[];
  beforeAll(async () => {
    losses = await firstLosses('cpu', { lr });
    for (const one of cases) expected.push(await compute(one));
    const { lossScale } = await useBackend('webgpu', { precision, device });
    lossScale?.write({ value: 1, goodSteps: 0 }); // the cases' gradients are not means over a batch
  }, 180_000);

  test.each(cases.map((c, i) => [c[1], c[0], i] as const))(
    '%s %s',
    async (_kernel, _what, i) => {
      await expectAgreement(cases[i]!, expected[i]!, tolerance);
    },
    60_000,
  );

  test('the first ten training losses agree with the reference', async () => {
    const ours = await firstLosses('webgpu', { precision, device, lr });
    const errors = ours.map((loss, i) => Math.abs(loss / losses[i]! - 1));
    console.log(`losses in ${precision}: relative error at most ${Math.max(...errors).toExponential(1)}`);
    expect(errors).toHaveLength(10);
    expect(Math.max(...errors)).toBeLessThan(ofLoss);
  }, 300_000);
});

describe.skipIf(!availability.usable)('no shader of webgpu reads or writes past the end of its memory', () => {
  const strays = async (work: (backend: WebgpuBackend) => Promise<unknown>): Promise<number> => {
    const gpu = backend() as WebgpuBackend;
    const region = gpu.pool.take(4);
    gpu.stray = { region, element: 'u32' };
    gpu.commands.write(region, Uint32Array.of(0));
    await work(gpu);
    const [stray] = new Uint32Array(await gpu.commands.read(region));
    region.release();
    gpu.stray = undefined;
    return stray!;
  };
  beforeAll(async () => {
    await useBackend('webgpu', { precision: 'f32', device, robust: true });
  }, 60_000);

  test('a shader that did would be noticed', async () => {
    const shader = { name: 'stray', threads: 1, body: elementwise('y_put(i + 1, 1);') };
    const write = async (gpu: WebgpuBackend) =>
      gpu.scratch('f32', 64, (y) => gpu.each(shader, 64, { writes: { y: { of: y } } }));
    expect(await strays(write)).toBe(1);
  });

  test.each(cases.map((c) => [c[1], c[0], c] as const))(
    '%s %s',
    async (_kernel, _what, one) => {
      expect(await strays(() => compute(one))).toBe(0);
    },
    60_000,
  );
});
