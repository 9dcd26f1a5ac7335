import { enableProdMode, findBackend, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import type { Availability, Backend, Precision } from '../backend.js';
import { registerHostKernels } from '../host.js';
import { WebgpuBackend } from './backend.js';
import { findAdapter, limitsOf, openDevice, remedy } from './gpu.js';
import { kernels } from './kernels/index.js';
import { matrixSubgroups } from './kernels/subgroup-matrix.js';
import { firstLossScale } from './loss-scale.js';
import { profile } from './profiler.js';
import { repeater } from './repeater.js';
import { type Search, searchAdapter } from './search.js';
import { matrixUnitsProblem, wrongInHalf } from './self-checks.js';

/** Maximum steps in flight before a loss is read: reading it late keeps the GPU's queue from running dry. */
const stepsInFlight = 4;

/** Any GPU with a driver for Vulkan, Metal or Direct3D 12, through dawn's WebGPU; with our own shaders. */
export const webgpu: Backend = {
  name: 'webgpu',
  precisions: ['f32', 'f16'],
  takesDevice: true, // by a part of its name
  probe,
  async activate({ precision: wanted, device, robust }) {
    const backend = await install(device, robust);
    if (wanted === 'f16' && !backend.gpu.device.features.has('shader-f16'))
      throw new ClrError('backend', `${backend.gpu.name} has no float16 in shaders`, 'set precision to f32');
    enableProdMode(); // silences tfjs's advice to install tfjs-node
    await setBackend('webgpu');
    const { precision, note } = wanted === 'f16' ? await prepareHalf(backend) : prepareFloat(backend);
    return {
      name: 'webgpu',
      device: backend.gpu.name + note,
      limits: limitsOf(backend.gpu.device),
      precision,
      threads: 1,
      stepsInFlight,
      ...(precision === 'f16' && { lossScale: backend.lossScale }),
      warmUp: (work) => backend.warmUp(work),
      repeater: () => repeater(backend),
      profile: () => profile(backend),
    };
  },
};

function prepareFloat(backend: WebgpuBackend): { precision: Precision; note: string } {
  backend.activationFormat = 'f32';
  backend.subgroups = undefined;
  backend.lossScale.write({ value: 1, goodSteps: 0 });
  return { precision: 'f32', note: '' };
}

/** float16, on matrix units if these work; float32 if the driver's float16 needs a check (NVIDIA's) and fails it. */
async function prepareHalf(backend: WebgpuBackend): Promise<{ precision: Precision; note: string }> {
  prepareFloat(backend);
  const wrong = backend.gpu.info.vendor === 'nvidia' ? await wrongInHalf(backend) : undefined;
  if (wrong) return { precision: 'f32', note: `; float32, since its float16 computes ${wrong} wrongly` };
  backend.activationFormat = 'f16';
  backend.lossScale.write({ value: firstLossScale, goodSteps: 0 });
  const subgroups = matrixSubgroups(backend.gpu);
  if (!subgroups) return { precision: 'f16', note: '' };
  const problem = await matrixUnitsProblem(backend.gpu.name);
  if (problem) return { precision: 'f16', note: `; its matrix units are not used: ${problem}` };
  backend.subgroups = subgroups;
  return { precision: 'f16', note: ', matrix units' };
}

let searched: Promise<Search> | undefined;

/** Searches only once. */
function search(): Promise<Search> {
  searched ??= searchAdapter();
  return searched;
}

async function probe(): Promise<Availability> {
  const found = await search();
  const { messages } = found;
  if ('reason' in found) return { usable: false, reason: found.reason, remedy, messages };
  const { name, software } = found;
  return { usable: true, device: name, ...(software && { onlyAs: firstWord(name) }), messages };
}

/** Enough of an adapter's name to ask for it. */
const firstWord = (name: string) => name.split(/\W/)[0]!;

/** The options that the current backend was made with. */
let installed: { device: string | undefined; robust: boolean } | undefined;

/** Throws ClrError('backend') if there is no GPU. Otherwise hides Mesa's software GPU: dawn warns of it on stderr. */
async function refuseSoftware(): Promise<void> {
  const found = await search();
  if ('reason' in found) throw new ClrError('backend', found.reason, remedy);
  const { name, software } = found;
  const hint = `to use it anyway: --device ${firstWord(name)}`;
  if (software) throw new ClrError('backend', `WebGPU finds no GPU, only ${name}`, hint);
  process.env.VK_LOADER_DRIVERS_DISABLE ??= '*lvp*';
}

/** The backend on the adapter of that name; created on first use, and again when another device is asked for. */
async function install(wanted?: string, robust = false): Promise<WebgpuBackend> {
  const present = findBackend('webgpu') as WebgpuBackend | null;
  if (present && wanted === installed?.device && robust === installed?.robust) return present;
  if (!wanted) await refuseSoftware();
  const adapter = await findAdapter(wanted, { robust });
  if (present) removeBackend('webgpu');
  const backend = new WebgpuBackend(await openDevice(adapter));
  registerBackend('webgpu', () => backend);
  registerHostKernels('webgpu', backend, kernels);
  installed = { device: wanted, robust };
  return backend;
}
