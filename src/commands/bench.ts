import { Command, Option } from 'commander';
import type { DeviceProfile, KernelTime } from '../backends/backend.js';
import type { BenchResult } from '../diagnostics/bench.js';
import { shipped } from '../system/root.js';
import {
  addShorthands,
  type ConfigFlags,
  cacheOption,
  configFromFlags,
  overrideOption,
  positiveInteger,
  setOption,
} from './options.js';

interface Flags extends ConfigFlags {
  model?: string;
  depth?: number;
  batchSize?: number;
  steps: number;
  warmup: number;
  profile?: boolean;
  cache: string;
  json?: boolean;
}

const defaultConfig = shipped('configs/bench-default.json');
const benchShorthands = ['--backend', '--precision', '--threads', '--device'];

/** `clr bench`: speed, memory and profile on stdout. */
export const benchCommand = new Command('bench')
  .description('measure the training step in images/s, on generated images')
  .argument(
    '[config]',
    'JSON or YAML file, or the name of a config that comes with the program; default: ResNet-56, batch 128',
  )
  .addOption(new Option('--model <type>', 'type of the model'))
  .addOption(new Option('--depth <n>', 'depth of the model').argParser(positiveInteger))
  .addOption(new Option('--batch-size <n>', 'images per step').argParser(positiveInteger))
  .addOption(new Option('--steps <n>', 'timed steps').argParser(positiveInteger).default(10))
  .addOption(new Option('--warmup <n>', 'steps before the timed ones').argParser(positiveInteger).default(3))
  .addOption(new Option('--profile', 'print the time per kernel'))
  .addOption(new Option('--json', 'print as JSON'))
  .addOption(overrideOption())
  .addOption(cacheOption())
  .addOption(setOption());
addShorthands(benchCommand, benchShorthands);

benchCommand.action(async (file: string | undefined, flags: Flags) => {
  const { bench } = await import('../diagnostics/bench.js');
  const { model, depth, batchSize, steps, warmup, profile = false } = flags;
  const shorthands = { 'model.type': model, 'model.depth': depth, batch_size: batchSize };
  const given = Object.entries(shorthands).filter(([, value]) => value !== undefined);
  const set = [...flags.set, ...given.map(([key, value]) => `${key}=${value}`)];
  const config = await configFromFlags(file ?? defaultConfig, { ...flags, set });
  const result = await bench(config, { steps, warmup, profile, cacheDirectory: flags.cache });
  process.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : text(result));
});

function text(result: BenchResult): string {
  const { name, device, precision, threads, batch_size, images_per_second, median_ms, steps } = result;
  const [q1, q3] = result.quartiles_ms.map((ms) => ms.toFixed(1));
  const lines = [
    `${name} on ${device}, ${precision}, threads ${threads}, batch ${batch_size}`,
    `${images_per_second.toFixed(1)} images/s: ${median_ms.toFixed(1)} ms per step (median of ${steps}, quartiles ${q1} and ${q3})`,
    `warm-up ${result.warmup_seconds.toFixed(1)} s, peak memory ${result.peak_memory_mb.toFixed(0)} MB`,
    ...(result.ceilings ? [ceilingsText(result.ceilings)] : []),
    ...(result.profile ?? []).map(kernelText),
  ];
  return `${lines.join('\n')}\n`;
}

function ceilingsText({ gb_per_second, tflops }: DeviceProfile['ceilings']): string {
  return `limits of this device: ${gb_per_second.toFixed(0)} GB/s, ${tflops.toFixed(2)} TFLOP/s (float32, measured)`;
}

/** A kernel's line, with the rates at which it moved data and computed, if known. */
function kernelText({ kernel, ms, calls, bytes, flop }: KernelTime): string {
  const rates = bytes
    ? `${(bytes / ms / 1e6).toFixed(0).padStart(6)} GB/s  ${(flop! / ms / 1e9).toFixed(2).padStart(6)} TFLOP/s  `
    : '';
  return `${ms.toFixed(2).padStart(9)} ms  ${calls.toFixed(0).padStart(4)} calls  ${rates}${kernel}`;
}
