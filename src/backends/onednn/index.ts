import os from 'node:os';
import {
  copyRegisteredKernels,
  enableProdMode,
  findBackend,
  type KernelConfig,
  registerBackend,
  registerKernel,
  setBackend,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import { registerReferenceKernels } from '../host.js';
import type { Backend } from '../index.js';
import { type Addon, loadAddon } from './addon.js';
import { OnednnBackend } from './backend.js';
import { kernels } from './kernels/index.js';

const remedy =
  'node scripts/build-onednn.mjs --required (Debian and Ubuntu: apt-get install libdnnl-dev g++ make python3)';

/** oneDNN's convolutions and own C++ loops on the processor: the fastest without a GPU. */
export const onednn: Backend = {
  name: 'onednn',
  takesThreads: true,
  async probe() {
    try {
      return { usable: true, device: describe(loadAddon()) };
    } catch (error) {
      return { usable: false, reason: (error as Error).message, remedy };
    }
  },
  async activate({ precision, threads = os.availableParallelism() }) {
    if (precision === 'f16')
      throw new ClrError('backend', 'the onednn backend computes in f32 or bf16, not f16', 'set precision to bf16');
    if (!(Number.isInteger(threads) && threads > 0 && threads <= 256))
      throw new ClrError('backend', `cannot run on ${threads} threads`, 'set a whole number from 1 to 256');
    const backend = install();
    backend.addon.setThreads(threads);
    backend.bf16 = precision === 'bf16';
    enableProdMode(); // silences tfjs's advice to install tfjs-node
    await setBackend('onednn');
    const emulated = backend.bf16 && !backend.addon.nativeBf16;
    const note = emulated ? '; no native bfloat16: values are stored in it, arithmetic is float32' : '';
    return { name: 'onednn', device: describe(backend.addon) + note, precision, threads };
  },
};

function describe({ version, level }: Addon): string {
  const levels: Record<string, string> = { v4: 'AVX-512', v3: 'AVX2' };
  const model = os.cpus()[0]?.model.trim() ?? 'processor';
  return `${model} (oneDNN ${version}${levels[level] ? `, ${levels[level]}` : ''})`;
}

/** The backend, made and registered the first time. */
function install(): OnednnBackend {
  const present = findBackend('onednn');
  if (present) return present as OnednnBackend;
  const backend = new OnednnBackend(addonOrError());
  registerBackend('onednn', () => backend);
  copyRegisteredKernels('cpu', 'onednn');
  registerReferenceKernels('onednn', backend);
  for (const { name, compute } of kernels) {
    unregisterKernel(name, 'onednn');
    const kernelFunc = ({ inputs, attrs }: { inputs: unknown; attrs: unknown }) =>
      compute(inputs as never, attrs as never, backend);
    registerKernel({
      kernelName: name,
      backendName: 'onednn',
      kernelFunc: kernelFunc as unknown as KernelConfig['kernelFunc'],
    });
  }
  return backend;
}

function addonOrError(): Addon {
  try {
    return loadAddon();
  } catch (error) {
    throw new ClrError('backend', `the onednn backend cannot be used: ${(error as Error).message}`, remedy, {
      cause: error,
    });
  }
}
