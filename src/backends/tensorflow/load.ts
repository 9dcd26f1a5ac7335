import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { enableProdMode, findBackend, findBackendFactory } from '@tensorflow/tfjs-core';
import { ClrError } from '../../errors.js';
import type { TensorFlowBackend } from './ops.js';
import type { Define } from './recording.js';

/** Settings that TensorFlow reads once, when it is loaded; each process has its own. */
export interface LoadOptions {
  /** `cpu`, `gpu`, or `gpu:1` for the second GPU. */
  device?: string;
  threads: number;
  /** No TF32 in float32 products and convolutions. */
  strict: boolean;
}

/** What `npm run setup:tensorflow` wrote beside the binding. */
interface Record {
  kind: 'cpu' | 'gpu' | 'own';
  /** The folder with the library. */
  tensorflow: string;
}

export interface Loaded {
  version: string;
  onGpu: boolean;
  options: LoadOptions;
  record?: Record;
  /** From the binding that set-up built; a package that came with its own has none. */
  define?: Define;
}

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
const require = createRequire(import.meta.url);
let loaded: Loaded | undefined;

/** On the first call, imports the first package that works; the import registers the backend. */
export async function load(options: LoadOptions): Promise<Loaded> {
  if (loaded) return loaded;
  setVariables(options);
  enableProdMode(); // silences the warnings about kernels registered twice: by a package that then fails, and by us
  const failures: string[] = [];
  for (const name of packages) {
    try {
      const own = await importQuietly(name);
      if (findBackendFactory('tensorflow')) {
        const { isUsingGpuDevice: onGpu, binding } = findBackend('tensorflow') as unknown as TensorFlowBackend;
        loaded = { version: binding.TF_Version, onGpu, options, ...own };
        return loaded;
      }
      failures.push(`${name} has its own copy of @tensorflow/tfjs-core (npm dedupe removes it)`);
    } catch (error) {
      failures.push(explain(name, error as NodeJS.ErrnoException));
    }
  }
  throw new ClrError('backend', failures.join('; '), 'npm run setup:tensorflow (an NVIDIA GPU: -- --gpu)');
}

/** TensorFlow's settings are environment variables; those that the user has set stay. */
function setVariables({ device, threads, strict }: LoadOptions): void {
  const settings = {
    TF_FORCE_GPU_ALLOW_GROWTH: 'true', // otherwise it takes all of a GPU's memory at once
    TF_DETERMINISTIC_OPS: '1',
    TF_MKL_OPTIMIZE_PRIMITIVE_MEMUSE: 'false', // else oneDNN plans each filter gradient again every step
    ...(strict && { NVIDIA_TF32_OVERRIDE: '0' }),
    TF_NUM_INTRAOP_THREADS: String(threads), // within an op
    TF_NUM_INTEROP_THREADS: String(threads), // ops of a graph
  };
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value;
  if (device) process.env.CUDA_VISIBLE_DEVICES = visibleDevices(device, process.env.CUDA_VISIBLE_DEVICES);
}

/** The value for CUDA_VISIBLE_DEVICES; `gpu:1` is the second of the visible GPUs. */
export function visibleDevices(device: string, visible: string | undefined): string {
  const [, , index] = device.match(/^(cpu|gpu)(?::(\d+))?$/) ?? [];
  if (device === 'cpu') return '-1';
  if (index === undefined && device !== 'gpu')
    throw new ClrError('usage', `TensorFlow has no device ${device}`, 'use cpu, gpu, or gpu:1 for the second GPU');
  const all = visible?.split(',');
  if (index === undefined) return visible ?? '0';
  if (all && !all[Number(index)]) throw new ClrError('backend', `no ${device} in CUDA_VISIBLE_DEVICES=${visible}`);
  return all ? all[Number(index)]! : index;
}

/**
 * Sends what TensorFlow logs while loading to a file, unless TF_CPP_MIN_LOG_LEVEL asks to see it. Level 3 asks for
 * nothing; it is also what a parent process that has loaded TensorFlow passes on.
 */
async function importQuietly(name: string): Promise<Pick<Loaded, 'record' | 'define'>> {
  const folder = bindingFolder(name);
  if (!folder || (process.env.TF_CPP_MIN_LOG_LEVEL ?? '3') !== '3') {
    await import(name);
    return folder ? fromSetUp(folder) : {};
  }
  process.env.TF_CPP_MIN_LOG_LEVEL = '3';
  const log = path.join(os.tmpdir(), `clr-tensorflow-${process.pid}.log`);
  const { hold, release } = require(path.join(folder, 'log.node')) as { hold(file: string): void; release(): void };
  hold(log);
  try {
    await import(name);
  } finally {
    release();
    rmSync(log, { force: true });
  }
  return fromSetUp(folder);
}

/** The folder where set-up built the binding; undefined for a package that came with its own. */
function bindingFolder(name: string): string | undefined {
  const places = require.resolve.paths(name) ?? [];
  const link = places.map((place) => path.join(place, name, 'lib/napi-v8/tfjs_binding.node')).find(existsSync);
  const folder = link ? path.dirname(realpathSync(link)) : '';
  return existsSync(path.join(folder, 'clr.json')) ? folder : undefined;
}

/** What set-up left in the folder; works only once its binding has been loaded. */
function fromSetUp(folder: string): Required<Pick<Loaded, 'record' | 'define'>> {
  const record = JSON.parse(readFileSync(path.join(folder, 'clr.json'), 'utf8')) as Record;
  const { define } = require(path.join(folder, 'graph.node')) as { define: Define };
  return { record, define };
}

function explain(name: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)) return `${name} is not installed`;
  if (message.includes('tfjs_binding.node')) return `${name} has no binding to TensorFlow's library`;
  return `${name} does not load: ${message.trim().split('\n')[0]}`;
}
