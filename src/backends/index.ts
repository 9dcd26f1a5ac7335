import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';

/** Of activations and convolutions. */
export type Precision = 'f32' | 'bf16' | 'f16';

/** What a config may ask of a backend; one that cannot throws ClrError('backend'). */
export interface BackendOptions {
  precision: Precision;
  /** Processor threads; undefined: all cores. */
  threads?: number;
  /** Which device of the backend, where it has several; undefined: its own choice. */
  device?: string;
}

/** A backend at work: tfjs's current one, with what it really runs on. Recorded in environment.json. */
export interface ActiveBackend {
  name: string;
  /** The device really used, e.g. the processor's or the GPU's name and driver. */
  device: string;
  precision: Precision;
  threads: number;
  /** What the device allows at most, where that is known. */
  limits?: string;
  /** Training steps that may be under way at once, where the device computes while this process goes on. */
  stepsInFlight?: number;
  /** Where kernels go on after they return: begins to measure them on the device, until the result is asked for. */
  profile?(): () => Promise<DeviceProfile>;
}

/** Of all calls of a kernel; bytes are those of the tensors that it reads and writes. */
export interface KernelTime {
  kernel: string;
  ms: number;
  calls: number;
  flop?: number;
  bytes?: number;
}

export interface DeviceProfile {
  kernels: KernelTime[];
  /** The most that was measured on this device: moved to and from memory, and computed in float32. */
  ceilings: { gb_per_second: number; tflops: number };
}

/** What a probe finds; `remedy` is a command or a step for the user. */
export type Availability =
  /** `slow`: why `auto` passes it over while another works; `onlyAs`: the device that it must be asked for as. */
  { usable: true; device: string; slow?: string; onlyAs?: string } | { usable: false; reason: string; remedy: string };

/** One way to compute, listed in `backends` below and loaded when asked for. */
export interface Backend {
  name: string;
  precisions: Precision[];
  /** The most threads that it can be told to use; absent: it cannot be told. */
  maxThreads?: number;
  /** Whether it has several devices to choose from. */
  takesDevice?: boolean;
  /** Whether it works here, and on what; never throws. */
  probe(): Promise<Availability>;
  /** Makes it tfjs's current backend with every kernel of `ops` registered. Throws ClrError('backend') if it cannot. */
  activate(options: BackendOptions): Promise<ActiveBackend>;
}

/** Fastest first: the order in which `auto` asks them. Loaded only when asked. */
const backends: Record<string, () => Promise<Backend>> = {
  webgpu: async () => (await import('./webgpu/index.js')).webgpu,
  tensorflow: async () => (await import('./tensorflow/index.js')).tensorflow,
  onednn: async () => (await import('./onednn/index.js')).onednn,
  wasm: async () => (await import('./wasm/index.js')).wasm,
  cpu: async () => (await import('./cpu/index.js')).cpu,
};

/** Known backends, usable here or not; without `auto`. */
export const backendNames = Object.keys(backends);

/** `name` "auto": the fastest usable one. `why` says how it came to be chosen. Throws ClrError('backend'). */
export async function useBackend(name: string, options: BackendOptions): Promise<ActiveBackend & { why: string }> {
  const { backend, why } = name === 'auto' ? await fastest(options) : { backend: await load(name), why: 'asked for' };
  const problem = shortfall(backend, options);
  if (problem) throw new ClrError('backend', `the ${backend.name} backend ${problem}`, '`clr doctor` lists the others');
  return { ...(await backend.activate(options)), why };
}

/** Whether the backend of that name, or the one that `auto` leads to, divides its work among as many threads as it is told. */
export async function takesThreads(name: string): Promise<boolean> {
  const backend = name === 'auto' ? (await fastest({ precision: 'f32' })).backend : await load(name);
  return (backend.maxThreads ?? 1) > 1;
}

/** Why the backend cannot do what the options ask for; undefined: it can. */
function shortfall(
  { precisions, maxThreads, takesDevice }: Backend,
  { precision, threads, device }: BackendOptions,
): string | undefined {
  if (!precisions.includes(precision)) return `computes in ${precisions.join(' or ')}, not ${precision}`;
  if (device !== undefined && !takesDevice) return `has no devices to choose from, such as ${device}`;
  if (threads === undefined || threads <= (maxThreads ?? 0)) return undefined;
  if (maxThreads === undefined) return 'cannot be told how many threads to use';
  return `runs on ${maxThreads === 1 ? 'one thread' : `at most ${maxThreads} threads`}, not ${threads}`;
}

/** Why a backend that works only if asked for by name does not do so here. */
function unnamed({ device, onlyAs }: { device: string; onlyAs?: string }, options: BackendOptions): string | undefined {
  return onlyAs && !options.device ? `finds only ${device}, which \`--device ${onlyAs}\` would take` : undefined;
}

/** The first that can do it, is usable and not slow; else the first that is slow. */
async function fastest(options: BackendOptions): Promise<{ backend: Backend; why: string }> {
  const passedOver: string[] = [];
  let lastResort: Backend | undefined;
  for (const name of backendNames) {
    const backend = await load(name);
    const availability = await backend.probe();
    const problem = availability.usable
      ? (shortfall(backend, options) ?? unnamed(availability, options))
      : availability.reason;
    if (!problem && availability.usable && !availability.slow)
      return { backend, why: ['the fastest usable one', ...passedOver].join('; ') };
    if (!problem) lastResort ??= backend;
    passedOver.push(`${name}: ${problem ?? (availability.usable && availability.slow)}`);
  }
  if (lastResort) return { backend: lastResort, why: ['the last resort, slow', ...passedOver].join('; ') };
  throw new ClrError('backend', `no backend works here: ${passedOver.join('; ')}`, 'run `clr doctor` for the remedies');
}

/** What `clr doctor` lists. */
export async function probeBackends(): Promise<{ name: string; availability: Availability }[]> {
  return Promise.all(backendNames.map(async (name) => ({ name, availability: await (await load(name)).probe() })));
}

async function load(name: string): Promise<Backend> {
  const loader = backends[name];
  if (loader) return loader();
  throw new ClrError(
    'usage',
    `unknown backend "${name}"${didYouMean(name, ['auto', ...backendNames])}`,
    `known: auto, ${backendNames.join(', ')}`,
  );
}
