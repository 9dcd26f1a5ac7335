import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { registerBackend, registerKernel, setBackend, unregisterKernel } from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { registerHostKernels } from '../host.js';
import { probeBackends } from '../index.js';
import { WebgpuBackend } from './backend.js';
import { findAdapter, openDevice } from './gpu.js';
import { kernels } from './kernels/index.js';
import { matrixUnitsProblem, wrongInHalf } from './self-checks.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-self-checks-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const file = (name: string) => path.join(scratch, name, 'verdicts.json');
const node = (script: string) => [process.execPath, '-e', script];

test.each([
  ['all agrees', 'process.exit(0)', undefined],
  ['a kernel disagrees', "console.log('wrong    Conv2D  error'); process.exit(1)", 'their check failed: Conv2D'],
  [
    'the driver crashes',
    "process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 1e4)",
    'their check was ended by SIGSEGV',
  ],
])('matrix units where %s in the check', async (what, script, problem) => {
  expect(await matrixUnitsProblem('a card', { command: node(script), file: file(what) })).toBe(problem);
});

test('the verdict on a driver is kept, but not used for another driver', async () => {
  const count = path.join(scratch, 'count');
  const command = node(`require('node:fs').appendFileSync(${JSON.stringify(count)}, 'x'); process.exit(1)`);
  for (const name of ['card (driver 1)', 'card (driver 1)', 'card (driver 2)', 'card (driver 1)'])
    expect(await matrixUnitsProblem(name, { command, file: file('kept') })).toBe('their check failed: exit code 1');
  expect(readFileSync(count, 'utf8')).toBe('xx');
});

const { availability } = (await probeBackends()).find(({ name }) => name === 'webgpu')!;
test.skipIf(!availability.usable)(
  'float16 is checked against float32: the device here passes, one with a wrong kernel does not',
  async () => {
    const device = availability.usable ? availability.onlyAs : undefined;
    const backend = new WebgpuBackend(await openDevice(await findAdapter(device)));
    registerBackend('webgpu', () => backend);
    registerHostKernels('webgpu', backend, kernels);
    await setBackend('webgpu');
    expect(await wrongInHalf(backend)).toBeUndefined();
    const right = kernels.find(({ name }) => name === 'BiasAdd')!;
    unregisterKernel('BiasAdd', 'webgpu');
    registerKernel({
      kernelName: 'BiasAdd',
      backendName: 'webgpu',
      kernelFunc: ({ inputs, attrs }) =>
        backend.activationFormat === 'f16'
          ? backend.retain(inputs.x!)
          : right.compute(inputs as never, attrs as never, backend),
    });
    expect(await wrongInHalf(backend)).toBe('BiasAdd');
  },
  300_000,
);
