import os from 'node:os';
import '@tensorflow/tfjs-backend-cpu';
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { backend, type DataType, enableProdMode, setBackend, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { HostMemory } from '../../ops/kernel.js';
import type { Backend } from '../backend.js';
import { registerReferenceKernels } from '../host.js';

/** tfjs's plain JavaScript backend with the reference kernels: slow, the same everywhere, the others' yardstick. */
export const cpu: Backend = {
  name: 'cpu',
  precisions: ['f32'],
  maxThreads: 1,
  async probe() {
    return {
      usable: true,
      device: os.cpus()[0]?.model ?? 'processor',
      slow: 'plain JavaScript, too slow to train with',
    };
  },
  async activate({ precision = 'f32' }) {
    enableProdMode(); // silences tfjs's advice to install tfjs-node
    await setBackend('cpu');
    registerReferenceKernels('cpu', cpuMemory);
    return { name: 'cpu', device: os.cpus()[0]?.model ?? 'processor', precision, threads: 1 };
  },
};

export const cpuMemory: HostMemory = {
  allocate(shape: number[], dtype: DataType = 'float32'): TensorInfo {
    const values = new Float32Array(util.sizeFromShape(shape));
    return (backend() as MathBackendCPU).makeTensorInfo(shape, dtype, values);
  },
  view: (tensor) => (backend() as MathBackendCPU).data.get(tensor.dataId).values as Float32Array,
};
