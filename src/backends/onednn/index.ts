import os from 'node:os';
import {
  copyRegisteredKernels,
  enableProdMode,
  findBackend,
  registerBackend,
  setBackend,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import { usableProcessors } from '../../system/processors.js';
import type { Backend } from '../backend.js';
import { registerHostKernels, registerReferenceKernels } from '../host.js';
import { type Addon, loadAddon } from './addon.js';
import { OnednnBackend } from './backend.js';
import { kernels } from './kernels/index.js';
import { Ways } from './ways.js';

const remedy =
  'node scripts/build-onednn.mjs --required (Debian and Ubuntu: apt-get install libdnnl-dev g++ make python3)';

/** oneDNN's convolutions and our own C++ loops on the processor: the fastest backend without a GPU. */
export const onednn: Backend = {
  name: 'onednn',
  precisions: ['f32', 'bf16'],
  maxThreads: 256,
  async probe() {
    try {
      return { usable: true, device: describe(loadAddon()) };
    } catch (error) {
      return { usable: false, reason: (error as Error).message, remedy };
    }
  },
  async activate({ precision = 'f32', threads: wanted = usableProcessors(), cacheDirectory, ways: recorded }) {
    const backend = install();
    const processors = usableProcessors();
    const threads = backend.addon.setThreads(Math.min(wanted, processors));
    backend.bf16 = precision === 'bf16';
    const machine = `${describe(backend.addon)}, ${precision}, threads ${threads}`;
    const ways = new Ways(backend.addon, { machine, cacheDirectory, recorded });
    backend.ways = ways;
    enableProdMode(); // silences tfjs's advice to install tfjs-node
    await setBackend('onednn');
    const emulated = backend.bf16 && !backend.addon.nativeBf16;
    const note = emulated ? '; no native bfloat16: values are stored in it, arithmetic is float32' : '';
    const limit =
      threads < processors ? 'OMP_THREAD_LIMIT or a limit on processes (ulimit -u)' : 'CPU affinity or a cgroup quota';
    return {
      name: 'onednn',
      device: describe(backend.addon) + note,
      precision,
      threads,
      ways: () => ({ ...ways.chosen }),
      ...(threads < wanted && { shortfall: `threads: ${threads} of ${wanted}; ${limit} allows no more` }),
    };
  },
};

function describe({ version, level }: Addon): string {
  const levels: Record<string, string> = { v4: 'AVX-512', v3: 'AVX2' };
  const model = os.cpus()[0]?.model.trim() ?? 'processor';
  return `${model} (oneDNN ${version}${levels[level] ? `, ${levels[level]}` : ''})`;
}

/** The backend, created and registered on first use. */
function install(): OnednnBackend {
  const present = findBackend('onednn');
  if (present) return present as OnednnBackend;
  const backend = new OnednnBackend(addonOrError());
  registerBackend('onednn', () => backend);
  copyRegisteredKernels('cpu', 'onednn');
  registerReferenceKernels('onednn', backend);
  for (const { name } of kernels) unregisterKernel(name, 'onednn');
  registerHostKernels('onednn', backend, kernels);
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
