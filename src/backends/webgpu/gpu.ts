/// <reference types="@webgpu/types" />
import { ClrError } from '../../errors.js';

/** What the `webgpu` package (dawn, an implementation of WebGPU) exports. */
interface Dawn {
  create(options: string[]): GPU;
  globals: object;
}

/** A GPU ready for use. */
export interface Gpu {
  device: GPUDevice;
  /** With the driver's. */
  name: string;
  /** Whether the processor pretends to be a GPU. */
  software: boolean;
}

export const remedy = 'npm install webgpu@0.6.2, and a Vulkan driver (Linux), Metal (macOS) or Direct3D 12 (Windows)';

/** Features that are used where an adapter has them. */
const wanted = ['shader-f16', 'timestamp-query', 'subgroups', 'chromium-experimental-subgroup-matrix'];

/**
 * The adapter whose name contains `device`, or the fastest one. Throws ClrError('backend') if dawn does not load, there is
 * none, or the only one is software and was not asked for by name.
 */
export async function findAdapter(device?: string): Promise<GPUAdapter> {
  const { create, globals } = await loadDawn();
  Object.assign(globalThis, globals); // GPUBufferUsage and its like
  const adapter = await request(create, device);
  if (!adapter) throw new ClrError('backend', 'WebGPU finds no adapter', remedy);
  return adapter;
}

/** dawn's own objects: it crashes if one is collected as garbage while a device of it is at work. */
const kept: GPU[] = [];

async function request(create: Dawn['create'], device?: string): Promise<GPUAdapter | null> {
  const options = ['enable-dawn-features=allow_unsafe_apis', 'disable-dawn-features=timestamp_quantization'];
  try {
    const gpu = create(device ? [...options, `adapter=${device}`] : options);
    kept.push(gpu);
    return await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    const found = (error as Error).message.replace(/\s+/g, ' ').trim();
    throw new ClrError('backend', `WebGPU finds no device named "${device}": ${found}`, 'name one of these');
  }
}

async function loadDawn(): Promise<Dawn> {
  const name = 'webgpu'; // optional: not resolved before it is wanted
  try {
    return (await import(name)) as Dawn;
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new ClrError('backend', `the webgpu package does not load: ${reason}`, remedy, { cause: error });
  }
}

/** The adapter's device with every limit as high as it goes. */
export async function openDevice(adapter: GPUAdapter): Promise<Gpu> {
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[],
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    },
  });
  return { device, ...describe(adapter) };
}

/** What bounds a run on the device. */
export function limitsOf({ limits, features }: GPUDevice): string {
  const mib = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
  const shared = `${limits.maxComputeWorkgroupStorageSize / 2 ** 10} KiB shared by a workgroup`;
  const used = wanted.filter((feature) => features.has(feature));
  return `buffers of ${mib(limits.maxBufferSize)}, bindings of ${mib(limits.maxStorageBufferBindingSize)}, ${shared}; ${used.join(', ')}`;
}

/** Name and driver as dawn tells them. */
export function describe({ info }: GPUAdapter): Pick<Gpu, 'name' | 'software'> {
  const driver = info.description.trim();
  const name = [info.device || info.architecture || info.vendor, driver && `(${driver})`].filter(Boolean).join(' ');
  return { name, software: info.isFallbackAdapter };
}
