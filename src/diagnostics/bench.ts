import { engine } from '@tensorflow/tfjs-core';
import type { ActiveBackend, DeviceProfile, KernelTime } from '../backends/backend.js';
import { type Choice, useBackend } from '../backends/index.js';
import type { ExperimentConfig } from '../config/schema.js';
import { randomStream } from '../random.js';
import { readMetrics } from '../training/evaluate.js';
import { prepareTraining } from '../training/prepare.js';
import { trainStep } from '../training/train.js';

export interface BenchOptions {
  /** Steps that are timed. */
  steps: number;
  /** Steps before these, which create primitives, buffers and packed filters. */
  warmup: number;
  profile: boolean;
  /** Where measured choices of the backend are stored. */
  cacheDirectory?: string;
}

export interface BenchResult extends ReturnType<typeof described> {
  batch_size: number;
  steps: number;
  /** Milliseconds from one step's end to the next: batch assembly, forward, backward, update, reading the loss. */
  median_ms: number;
  /** First and third quartile. */
  quartiles_ms: [number, number];
  /** From the median. */
  images_per_second: number;
  warmup_seconds: number;
  /** Highest resident memory of the process so far, MB. */
  peak_memory_mb: number;
  /** A step's mean milliseconds, calls, operations and bytes, by kernel. */
  profile?: KernelTime[];
  ceilings?: DeviceProfile['ceilings'];
}

/** Times the training step of a config's model on generated images of CIFAR-10's shape. */
export async function bench(config: ExperimentConfig, options: BenchOptions): Promise<BenchResult> {
  const active = await useBackend(config.backend, { ...config, ...options });
  const { stepsInFlight = 0, profile: profileDevice = profileKernels } = active;
  const timed = { ...config, nominal_batch_size: undefined }; // more than the generated images, perhaps
  const training = prepareTraining(timed, generatedImages(2 * config.batch_size), active);
  const inFlight: Promise<unknown>[] = [];
  const begin = () => {
    const [batch] = training.trainingBatches(0, 0);
    return trainStep(training, batch!, { lr: 0.01, momentum: 0.9 });
  };
  const step = async () => {
    inFlight.push(readMetrics(begin(), config.batch_size));
    if (inFlight.length > stepsInFlight) await inFlight.shift();
  };
  const warmupSeconds =
    (await time(async () => {
      await training.warmUp?.(() => begin().dispose());
      for (let i = 0; i < options.warmup + stepsInFlight; i++) await step();
    })) / 1000;
  const times: number[] = [];
  for (let i = 0; i < options.steps; i++) times.push(await time(step));
  times.sort((a, b) => a - b);
  const profiled = options.profile ? profileDevice() : undefined;
  if (!active.profile) training.repeat = undefined; // kernels are timed when called, and a replayed step calls none
  for (let i = 0; profiled && i < options.steps; i++) await step();
  await Promise.all(inFlight);
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((q) => quantile(times, q)) as [number, number, number];
  return {
    ...described(active),
    batch_size: config.batch_size,
    steps: options.steps,
    median_ms: median,
    quartiles_ms: [q1, q3],
    images_per_second: (1000 * config.batch_size) / median,
    warmup_seconds: warmupSeconds,
    peak_memory_mb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    ...(profiled && perStep(await profiled(), options.steps)),
  };
}

/** What describes a backend, without its functions and the reasons for its choice. */
function described({
  why,
  slow,
  stepsInFlight,
  lossScale,
  warmUp,
  repeater,
  profile,
  ways,
  ...backend
}: ActiveBackend & Choice) {
  return backend;
}

function generatedImages(count: number) {
  const random = randomStream(1, 'synthetic');
  const split = {
    images: new Uint8Array(count * 32 * 32 * 3).map(() => random.integer(0, 255)),
    labels: new Uint8Array(count).map(() => random.integer(0, 9)),
  };
  const classNames = Array.from({ length: 10 }, (_, i) => String(i));
  return { imageShape: [32, 32, 3] as [number, number, number], classNames, train: split, validation: split };
}

async function time(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Interpolates linearly between neighbours. */
function quantile(sorted: number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below]! + (at - below) * ((sorted[below + 1] ?? sorted[below]!) - sorted[below]!);
}

/** Slowest first. */
function perStep({ kernels, ceilings }: Partial<DeviceProfile> & Pick<DeviceProfile, 'kernels'>, steps: number) {
  const profile = kernels.map(({ kernel, ms, calls, flop, bytes }) => ({
    kernel,
    ms: ms / steps,
    calls: calls / steps,
    ...(flop !== undefined && bytes && { flop: flop / steps, bytes: bytes / steps }),
  }));
  return { profile: profile.sort((a, b) => b.ms - a.ms), ...(ceilings && { ceilings }) };
}

/** Times each kernel until the returned function is called; for backends whose kernels finish before they return. */
function profileKernels(): () => Promise<Pick<DeviceProfile, 'kernels'>> {
  const totals = new Map<string, { ms: number; calls: number }>();
  const tfjs = engine();
  const runKernel = tfjs.runKernel.bind(tfjs);
  tfjs.runKernel = ((...call: Parameters<typeof runKernel>) => {
    const started = performance.now();
    const result = runKernel(...call);
    const total = totals.get(call[0]) ?? { ms: 0, calls: 0 };
    totals.set(call[0], { ms: total.ms + performance.now() - started, calls: total.calls + 1 });
    return result;
  }) as typeof tfjs.runKernel;
  return async () => {
    tfjs.runKernel = runKernel;
    return { kernels: [...totals].map(([kernel, total]) => ({ kernel, ...total })) };
  };
}
