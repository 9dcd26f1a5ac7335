import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import type { ActiveBackend, Availability, Backend, BackendOptions } from './backend.js';

/** Fastest first: the order in which `auto` tries them. Loaded on demand. */
const backends: Record<string, () => Promise<Backend>> = {
  webgpu: async () => (await import('./webgpu/index.js')).webgpu,
  tensorflow: async () => (await import('./tensorflow/index.js')).tensorflow,
  onednn: async () => (await import('./onednn/index.js')).onednn,
  wasm: async () => (await import('./wasm/index.js')).wasm,
  cpu: async () => (await import('./cpu/index.js')).cpu,
};

/** Names of all backends, usable here or not; without `auto`. */
export const backendNames = Object.keys(backends);

/** How a backend was chosen. */
export interface Choice {
  /** One line on how it was chosen, then one on why each faster backend was passed over. */
  why: string[];
  /** Whether it is slow, and nothing faster works here. */
  slow: boolean;
}

/** `name` "auto": the fastest usable one. Throws ClrError('backend'). */
export async function useBackend(name: string, options: BackendOptions): Promise<ActiveBackend & Choice> {
  const { backend, ...choice } =
    name === 'auto' ? await fastest(options) : { backend: await load(name), why: ['requested by name'], slow: false };
  const problem = whyUnsuitable(backend, options);
  if (problem) throw new ClrError('backend', `the ${backend.name} backend ${problem}`, '`clr doctor` lists the others');
  return { ...(await backend.activate(options)), ...choice };
}

/** Whether the backend of that name, or the one that `auto` chooses, can be told to use several threads. */
export async function takesThreads(name: string): Promise<boolean> {
  const backend = name === 'auto' ? (await fastest({})).backend : await load(name);
  return (backend.maxThreads ?? 1) > 1;
}

/** Why the backend cannot meet the options, or why `auto` cannot use what the probe found; undefined: it can. */
function whyUnsuitable(
  { precisions, maxThreads, takesDevice }: Backend,
  { precision, threads, device }: BackendOptions,
  found?: Availability,
): string | undefined {
  if (found && !found.usable) return found.reason;
  if (found?.onlyAs && !device) return `finds only ${found.device}, used only with --device ${found.onlyAs}`;
  if (precision && !precisions.includes(precision)) return `computes in ${precisions.join(' or ')}, not ${precision}`;
  if (device !== undefined && !takesDevice) return `has no devices to choose from, such as ${device}`;
  if (threads === undefined || threads <= (maxThreads ?? 0)) return undefined;
  if (maxThreads === undefined) return 'cannot be told how many threads to use';
  return `runs on ${maxThreads === 1 ? 'one thread' : `at most ${maxThreads} threads`}, not ${threads}`;
}

/** The first suitable backend that is not slow; failing that, the first slow one. */
async function fastest(options: BackendOptions): Promise<{ backend: Backend } & Choice> {
  const passedOver: string[] = [];
  let lastResort: Backend | undefined;
  for (const name of backendNames) {
    const backend = await load(name);
    const found = await backend.probe(options);
    const problem = whyUnsuitable(backend, options, found);
    const slow = found.usable ? found.slow : undefined;
    if (!problem && !slow) return { backend, why: ['the fastest usable one', ...passedOver], slow: false };
    if (!problem) lastResort ??= backend;
    passedOver.push(`${name}: ${problem ?? slow}`);
  }
  if (lastResort) return { backend: lastResort, why: ['the last resort', ...passedOver], slow: true };
  throw new ClrError('backend', `no backend works here: ${passedOver.join('; ')}`, 'run `clr doctor` for the remedies');
}

/** What `clr show` prints about the backend of that name. */
export async function describeBackend(name: string) {
  const backend = await load(name);
  const { precisions, maxThreads } = backend;
  return { name, precisions, maxThreads, availability: await backend.probe() };
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
