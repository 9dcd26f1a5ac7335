import { enableProdMode, findBackend, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import type { Availability, Backend } from '../backend.js';
import { registerHostKernels } from '../host.js';
import { WebgpuBackend } from './backend.js';
import { describe, findAdapter, limitsOf, openDevice, remedy } from './gpu.js';
import { kernels } from './kernels/index.js';
import { matrixSubgroups } from './kernels/subgroup-matrix.js';
import { profile } from './profiler.js';

/** Maximum steps in flight before a loss is read: reading it late keeps the GPU's queue from running dry. */
const stepsInFlight = 4;

/** Any GPU with a driver for Vulkan, Metal or Direct3D 12, through dawn's WebGPU; shaders of our own. */
export const webgpu: Backend = {
  name: 'webgpu',
  precisions: ['f32', 'f16'],
  takesDevice: true, // a part of its name
  probe() {
    probed ??= probe();
    return probed;
  },
  async activate({ precision, device }) {
    const backend = await install(device);
    if (precision === 'f16' && !backend.gpu.device.features.has('shader-f16'))
      throw new ClrError('backend', `${backend.gpu.name} has no float16 in shaders`, 'set precision to f32');
    backend.activationFormat = precision === 'f16' ? 'f16' : 'f32';
    backend.subgroup = undefined;
    enableProdMode(); // silences tfjs's advice to install tfjs-node
    await setBackend('webgpu');
    const matrices = precision === 'f16' ? await useMatrixUnits(backend) : '';
    return {
      name: 'webgpu',
      device: backend.gpu.name + matrices,
      limits: limitsOf(backend.gpu.device),
      precision,
      threads: 1,
      stepsInFlight,
      profile: () => profile(backend),
    };
  },
};

/** Each look for an adapter leaves something of dawn's behind that takes its time to go: one is enough. */
let probed: Promise<Availability> | undefined;

async function probe(): Promise<Availability> {
  try {
    const { name, software } = describe(await findAdapter());
    return { usable: true, device: name, ...(software && { onlyAs: firstWord(name) }) };
  } catch (error) {
    return { usable: false, reason: (error as Error).message, remedy };
  }
}

/** Enough of an adapter's name to ask for it by. */
const firstWord = (name: string) => name.split(/\W/)[0]!;

/** The `device` option that the present backend was made with. */
let installed: string | undefined;

/** The backend on the adapter of that name; made and registered the first time, and when another device is asked for. */
async function install(wanted?: string): Promise<WebgpuBackend> {
  const present = findBackend('webgpu') as WebgpuBackend | null;
  if (present && wanted === installed) return present;
  const adapter = await findAdapter(wanted);
  const { name, software } = describe(adapter);
  if (software && !wanted)
    throw new ClrError(
      'backend',
      `WebGPU finds no GPU, only ${name}`,
      `to take it all the same: --device ${firstWord(name)}`,
    );
  if (present) removeBackend('webgpu');
  const backend = new WebgpuBackend(await openDevice(adapter));
  registerBackend('webgpu', () => backend);
  registerHostKernels('webgpu', backend, kernels);
  installed = wanted;
  return backend;
}

/** Has convolutions computed on matrix units where the device has them and they agree with the plain shaders; says which. */
async function useMatrixUnits(backend: WebgpuBackend): Promise<string> {
  const subgroup = matrixSubgroups(backend.gpu.device);
  if (!subgroup) return '';
  const { compute, kernelCases, relativeError } = await import('../kernel-cases.js');
  for (const one of kernelCases.filter(([, kernel]) => kernel.startsWith('Conv2D'))) {
    backend.subgroup = undefined;
    const [plain] = await compute(one);
    backend.subgroup = subgroup;
    const [onUnits] = await compute(one);
    const error = relativeError(onUnits!.values, plain!.values);
    if (error < 1e-2) continue;
    backend.subgroup = undefined;
    return `; its matrix units are not used: ${one[1]} differs by ${error.toExponential(1)}`;
  }
  return ', matrix units';
}
