import os from 'node:os';
import { engine, setBackend } from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import { usableProcessors } from '../../system/processors.js';
import type { Availability, Backend, BackendOptions } from '../backend.js';
import { batchNormKernels } from './batch-norm.js';
import { convolutionKernels } from './convolution.js';
import { findCuda, whyNoGpu } from './cuda.js';
import { type Loaded, load } from './load.js';
import { registerComposedKernels, registerTidied } from './register.js';
import { repeater } from './repeater.js';

/** TensorFlow's C library through tfjs-node: a CUDA GPU if it finds one, else the processor. See README.md here. */
export const tensorflow: Backend = {
  name: 'tensorflow',
  precisions: ['f32'],
  maxThreads: 1024,
  takesDevice: true, // cpu, gpu, gpu:1
  async probe(options: BackendOptions = {}): Promise<Availability> {
    const current = engine().backendName;
    try {
      const loaded = await load(loadOptions(options));
      const detail = `${describe(loaded)}${library(loaded)}`;
      return { usable: true, device: detail, ...(!loaded.onGpu && { slow: 'others are faster on the processor' }) };
    } catch (error) {
      const { message, hint } = error as ClrError;
      return { usable: false, reason: message, remedy: hint ?? '' };
    } finally {
      if (current && current !== engine().backendName) await setBackend(current); // tfjs-node makes itself current
    }
  },
  async activate(options) {
    const loaded = await load(loadOptions(options));
    refuseOther(options, loaded);
    await setBackend('tensorflow');
    const { define } = loaded;
    const repeats = define && (() => repeater(define));
    registerComposedKernels('tensorflow', repeats);
    registerTidied('tensorflow', { ...convolutionKernels, ...batchNormKernels });
    const tf32 = loaded.onGpu && process.env.NVIDIA_TF32_OVERRIDE !== '0';
    return {
      name: 'tensorflow',
      device: describe(loaded),
      precision: tf32 ? 'tf32' : 'f32',
      threads: loaded.options.threads,
      ...(repeats && { repeater: repeats }),
    };
  },
};

function loadOptions({ precision, threads = usableProcessors(), ...rest }: BackendOptions) {
  return { ...rest, threads, strict: precision === 'f32' };
}

/** Throws ClrError('backend') if the options differ from those fixed when TensorFlow was loaded. */
function refuseOther({ device: wanted, threads, precision }: BackendOptions, { onGpu, options, record }: Loaded): void {
  if (wanted && onGpu !== wanted.startsWith('gpu')) {
    const why = onGpu || !record ? '' : ` (${whyNoGpu(record.kind, record.tensorflow)})`;
    throw new ClrError(
      'backend',
      `TensorFlow computes on the ${onGpu ? 'GPU' : 'processor'} here, not on ${wanted}${why}`,
    );
  }
  const other =
    (wanted && options.device !== wanted && onGpu) ||
    (threads && options.threads !== threads) ||
    (precision === 'f32' && onGpu && !options.strict);
  if (other)
    throw new ClrError('backend', 'TensorFlow is already loaded with another device, precision or number of threads');
}

/** What TensorFlow really computes on and, if that is the processor, why. */
function describe({ version, onGpu, record, options }: Loaded): string {
  if (onGpu) return `${options.device ?? 'gpu'} (TensorFlow ${version})`;
  const why = record && options.device !== 'cpu' ? `; ${whyNoGpu(record.kind, record.tensorflow)}` : '';
  return `${os.cpus()[0]?.model.trim() ?? 'processor'} (TensorFlow ${version}${why})`;
}

/** For `clr doctor`: where the library is, and which of CUDA's were found. */
function library({ record }: Loaded): string {
  if (!record) return '';
  const { found, missing } = findCuda(record.tensorflow);
  const cuda =
    missing.length === 0 ? 'CUDA 12 and cuDNN 9 found' : `of CUDA ${found.length} found, missing ${missing.join(', ')}`;
  return `, in ${record.tensorflow}${record.kind === 'cpu' ? '' : `, ${cuda}`}`;
}
