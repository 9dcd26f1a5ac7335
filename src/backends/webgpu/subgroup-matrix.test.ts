/// <reference types="@webgpu/types" />
import { findBackend, registerBackend, removeBackend, setBackend, tensor } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { run } from '../../ops/kernel.js';
import { registerHostKernels } from '../host.js';
import { kernelCases } from '../kernel-cases.js';
import { WebgpuBackend } from './backend.js';
import { type Gpu, openDevice } from './gpu.js';
import { kernels } from './kernels/index.js';
import { matrixSubgroups } from './kernels/subgroup-matrix.js';

/** dawn's null device, which computes nothing but validates everything: no device at hand has matrix units. */
async function checkingDevice(): Promise<Gpu | undefined> {
  try {
    const name = 'webgpu';
    const { create, globals } = await import(name);
    Object.assign(globalThis, globals);
    const gpu: GPU = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
    const adapter = await gpu.requestAdapter();
    const opened = await openDevice(adapter!);
    return Object.assign(opened, { gpu }); // if garbage-collected, it would take the device with it
  } catch (error) {
    console.log(`matrix units are not checked: ${(error as Error).message}`);
    return undefined;
  }
}

const gpu = await checkingDevice();

const subgroups = [
  { size: 32, fixed: false },
  { size: 32, fixed: true }, // as on AMD, whose subgroups have 32 or 64 threads
];
test.skipIf(!gpu).each(subgroups)(
  'shaders for matrix units are valid, in float16 and for every size of convolution: subgroups of $size, fixed: $fixed',
  async (kind) => {
    const backend = new WebgpuBackend(gpu!);
    backend.dispose = () => {}; // the device is shared
    backend.subgroups = kind;
    backend.activationFormat = 'f16';
    if (findBackend('webgpu')) removeBackend('webgpu');
    registerBackend('webgpu', () => backend);
    registerHostKernels('webgpu', backend, kernels);
    await setBackend('webgpu');
    const names = new Set<string>();
    backend.commands.observer = ({ name }) => void names.add(name);
    for (const [, kernel, inputs, attributes] of kernelCases.filter(([, kernel]) => kernel.startsWith('Conv2D'))) {
      const tensors = Object.entries(inputs).map(([name, { values, shape }]) => [name, tensor(values, shape)] as const);
      for (const output of run(kernel, Object.fromEntries(tensors), attributes)) await output.data(); // throws errors
    }
    expect([...names].filter((name) => name.endsWith('matrix'))).toEqual(
      expect.arrayContaining([
        'Conv2D 16 matrix',
        'Conv2DBackpropInput 64 matrix',
        'Conv2DBackpropFilter/parts 32 matrix',
      ]),
    );
  },
);

test('matrix units are used if they multiply 16 x 16 float16 with float32 sums, in subgroups of a known size', () => {
  const config = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
  const features = new Set(['shader-f16', 'chromium-experimental-subgroup-matrix']);
  const of = (subgroupMatrixConfigs: object[], [min, max] = [32, 32], offered = features) =>
    matrixSubgroups({
      device: { features: offered, adapterInfo: { subgroupMatrixConfigs: [] } }, // dawn fills in only the adapter's
      info: { subgroupMinSize: min, subgroupMaxSize: max, subgroupMatrixConfigs },
    } as unknown as Gpu);
  const controlled = new Set([...features, 'subgroup-size-control']);
  expect(of([config])).toEqual({ size: 32, fixed: false });
  expect(of([])).toBeUndefined();
  expect(of([{ ...config, K: 8 }])).toBeUndefined();
  expect(of([{ ...config, resultComponentType: 'f16' }])).toBeUndefined();
  expect(of([config], [32, 64])).toBeUndefined();
  expect(of([config], [32, 64], controlled)).toEqual({ size: 32, fixed: true });
  expect(of([config], [8, 16], controlled)).toEqual({ size: 16, fixed: true });
  expect(of([config], [32, 32], new Set(['shader-f16']))).toBeUndefined();
});
