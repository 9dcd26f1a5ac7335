import { engine } from '@tensorflow/tfjs-core';
import { type ActiveBackend, useBackend } from './backends/index.js';
import type { ExperimentConfig } from './config.js';
import { prepareTraining } from './experiment.js';
import { randomStream } from './random.js';
import { trainStep } from './train.js';

export interface BenchOptions {
  /** Steps that are timed. */
  steps: number;
  /** Steps before them, which make primitives, buffers and packed filters. */
  warmup: number;
  profile: boolean;
}

export interface BenchResult extends ActiveBackend {
  batch_size: number;
  steps: number;
  /** Of one training step: batch assembly, forward, backward, update, reading the loss. Milliseconds. */
  median_ms: number;
  /** First and third quartile. */
  quartiles_ms: [number, number];
  /** By the median. */
  images_per_second: number;
  warmup_seconds: number;
  /** Highest resident memory of the process so far, MB. */
  peak_memory_mb: number;
  /** Mean milliseconds a step and number of calls a step, by kernel; only where kernels finish before they return. */
  profile?: { kernel: string; ms: number; calls: number }[];
}

/** Times the training step of a config's model on made-up images of CIFAR-10's shape. */
export async function bench(config: ExperimentConfig, options: BenchOptions): Promise<BenchResult> {
  const { why, ...backend } = await useBackend(config.backend, config);
  const training = prepareTraining(config, madeUpImages(2 * config.batch_size));
  const step = async () => {
    const [batch] = training.trainingBatches(0, 0);
    const metrics = trainStep(training.model, training.optimizer, batch!, { lr: 0.01, momentum: 0.9 });
    await metrics.data();
    metrics.dispose();
  };
  const warmupSeconds =
    (await time(async () => {
      for (let i = 0; i < options.warmup; i++) await step();
    })) / 1000;
  const times: number[] = [];
  const profile = options.profile ? profileKernels() : undefined;
  for (let i = 0; i < options.steps; i++) times.push(await time(step));
  times.sort((a, b) => a - b);
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((q) => quantile(times, q)) as [number, number, number];
  return {
    ...backend,
    batch_size: config.batch_size,
    steps: options.steps,
    median_ms: median,
    quartiles_ms: [q1, q3],
    images_per_second: (1000 * config.batch_size) / median,
    warmup_seconds: warmupSeconds,
    peak_memory_mb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    ...(profile && { profile: profile(options.steps) }),
  };
}

function madeUpImages(count: number) {
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

/** Linear between neighbours. */
function quantile(sorted: number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below]! + (at - below) * ((sorted[below + 1] ?? sorted[below]!) - sorted[below]!);
}

/** From now on counts the time in each kernel; the result is asked for with the number of steps since. */
function profileKernels(): (steps: number) => BenchResult['profile'] {
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
  return (steps) =>
    [...totals]
      .map(([kernel, { ms, calls }]) => ({ kernel, ms: ms / steps, calls: calls / steps }))
      .sort((a, b) => b.ms - a.ms);
}
