import os from 'node:os';
import { enableProdMode, engine, findBackend, findBackendFactory, setBackend } from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import type { Availability, Backend } from '../backend.js';
import { batchNormKernels, type TensorFlowBackend } from './batch-norm.js';
import { registerComposedKernels, registerTidied } from './register.js';

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** TensorFlow's C library through tfjs-node: a CUDA GPU where tfjs-node-gpu finds one, else the processor. Not installed by itself. */
export const tensorflow: Backend = {
  name: 'tensorflow',
  precisions: ['f32'],
  takesDevice: true, // gpu or cpu
  async probe(): Promise<Availability> {
    const current = engine().backendName;
    try {
      await load();
      return {
        usable: true,
        device: device(),
        ...(!usesGpu() && { slow: 'finds no GPU, and on the processor others are faster' }),
      };
    } catch (error) {
      const { message, hint } = error as ClrError;
      return { usable: false, reason: message, remedy: hint ?? '' };
    } finally {
      if (current && current !== engine().backendName) await setBackend(current); // tfjs-node makes itself the current one
    }
  },
  async activate({ precision, device: wanted }) {
    await load();
    await setBackend('tensorflow');
    const used = usesGpu() ? 'gpu' : 'cpu';
    if (wanted && wanted !== used)
      throw new ClrError('backend', `TensorFlow runs on the ${used} here, not on ${wanted}`, `set device to ${used}`);
    registerComposedKernels('tensorflow');
    registerTidied('tensorflow', batchNormKernels);
    return { name: 'tensorflow', device: device(), precision, threads: os.availableParallelism() };
  },
};

/** Imports the first package that works; its import registers the backend. */
async function load(): Promise<void> {
  enableProdMode(); // silences the warnings of kernels registered twice: by a package that then fails, and by us
  const failures: string[] = [];
  for (const name of packages) {
    try {
      await import(name);
      if (findBackendFactory('tensorflow')) return;
      failures.push(`${name} came with a copy of @tensorflow/tfjs-core of its own (npm dedupe removes it)`);
    } catch (error) {
      failures.push(explain(name, error as NodeJS.ErrnoException));
    }
  }
  throw new ClrError(
    'backend',
    failures.join('; '),
    `npm install ${packages[1]}@4.22.0, or for an NVIDIA GPU with CUDA 11.2 and cuDNN 8.1 ${packages[0]}@4.22.0`,
  );
}

function explain(name: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)) return `${name} is not installed`;
  return `${name} does not load: ${message.trim().split('\n')[0]}`;
}

/** tfjs-node-gpu falls back to the processor without a word. */
function usesGpu(): boolean {
  return (findBackend('tensorflow') as unknown as TensorFlowBackend).isUsingGpuDevice;
}

/** What TensorFlow really runs on. */
function device(): string {
  const { binding } = findBackend('tensorflow') as unknown as TensorFlowBackend;
  const where = usesGpu() ? 'GPU' : (os.cpus()[0]?.model ?? 'processor');
  return `${where} (TensorFlow ${binding.TF_Version})`;
}
