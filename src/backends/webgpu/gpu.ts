/// <reference types="@webgpu/types" />
import { ClrError } from '../../errors.js';
import { chooseAdapter } from './adapter-names.js';

/** What the `webgpu` package (dawn, an implementation of WebGPU) exports. */
interface Dawn {
  create(options: string[]): GPU;
  globals: object;
}

/** A GPU ready for use. */
export interface Gpu {
  device: GPUDevice;
  /** Name of the device and of its driver. */
  name: string;
  /** Whether the processor emulates the GPU. */
  software: boolean;
  /** The adapter's info: dawn leaves the matrix units out of the device's. */
  info: GPUAdapterInfo;
}

export const remedy = 'npm install webgpu@0.6.2, and a Vulkan driver (Linux), Metal (macOS) or Direct3D 12 (Windows)';

/** Features that are used if the adapter has them. */
const wanted = [
  'shader-f16',
  'timestamp-query',
  'subgroups',
  'subgroup-size-control',
  'chromium-experimental-subgroup-matrix',
];

/** Whether shaders check each index and clear a workgroup's memory first: slower, needed only to check new kernels. */
export interface Robustness {
  robust?: boolean;
}

/**
 * dawn's options. For NVIDIA's drivers before 615 float16 is behind a toggle, since some of them compute it wrongly;
 * here the kernels are checked before it is used. CLR_WEBGPU_ROBUST=1 or 0 overrides `robust`.
 */
export function dawnOptions({ robust = false }: Robustness = {}): string[] {
  const enabled = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
  const { CLR_WEBGPU_ROBUST: override } = process.env;
  if (!(override ? override === '1' : robust)) enabled.push('disable_robustness', 'disable_workgroup_init');
  return [`enable-dawn-features=${enabled.join(',')}`, 'disable-dawn-features=timestamp_quantization'];
}

/**
 * The adapter that `device` names (see chooseAdapter), or the fastest one. Throws ClrError('backend') if dawn does not
 * load, there is none, or none has that name.
 */
export async function findAdapter(device?: string, options?: Robustness): Promise<GPUAdapter> {
  const { create, globals } = await loadDawn();
  Object.assign(globalThis, globals); // GPUBufferUsage and the like
  const flags = dawnOptions(options);
  if (device) flags.push(`adapter=${chooseAdapter(await adapterNames(create), device)}`);
  const adapter = await request(create, flags);
  if (!adapter) throw new ClrError('backend', 'WebGPU finds no adapter', remedy);
  return adapter;
}

/** dawn's GPU objects: it crashes if one is garbage-collected while a device of it is in use. */
const kept: GPU[] = [];

function request(create: Dawn['create'], flags: string[]): Promise<GPUAdapter | null> {
  const gpu = create(flags);
  kept.push(gpu);
  return gpu.requestAdapter({ powerPreference: 'high-performance' });
}

/** The adapters' names, in dawn's order: it lists them in its error about a name that none of them has. */
export async function adapterNames(create: Dawn['create']): Promise<string[]> {
  const message = await request(create, ['adapter=\u0001']).then(
    () => '',
    (error: Error) => error.message,
  );
  return [...message.matchAll(/name: '(.*)'/g)].map(([, name]) => name!);
}

async function loadDawn(): Promise<Dawn> {
  const name = 'webgpu'; // optional: not resolved before it is needed
  try {
    return (await import(name)) as Dawn;
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new ClrError('backend', `the webgpu package does not load: ${reason}`, remedy, { cause: error });
  }
}

/** Opens the adapter's device with every limit at its maximum. */
export async function openDevice(adapter: GPUAdapter): Promise<Gpu> {
  const { limits, info } = adapter;
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
  return { device, info, ...describe(adapter) };
}

/** The device's limits that matter to a run, and the features in use. */
export function limitsOf({ limits, features }: GPUDevice): string {
  const mib = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
  const shared = `${limits.maxComputeWorkgroupStorageSize / 2 ** 10} KiB shared by a workgroup`;
  const used = wanted.filter((feature) => features.has(feature));
  return `buffers of ${mib(limits.maxBufferSize)}, bindings of ${mib(limits.maxStorageBufferBindingSize)}, ${shared}; ${used.join(', ')}`;
}

/** Name and driver as dawn gives them. */
export function describe({ info }: GPUAdapter): Pick<Gpu, 'name' | 'software'> {
  const driver = info.description.trim();
  const name = [info.device || info.architecture || info.vendor, driver && `(${driver})`].filter(Boolean).join(' ');
  return { name, software: info.isFallbackAdapter };
}
