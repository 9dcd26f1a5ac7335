import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ConfigOverrides } from '../config/load.js';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';

/** Options that several commands take. */
export const dataOption = () =>
  withVariable(
    new Option('--data <path>', 'the images: archive or folder of binary batches or image files'),
    'CLR_DATA',
  );
export const cacheOption = () =>
  withVariable(
    new Option('--cache <dir>', 'where downloads, decoded images and timings of kernels are kept'),
    'CLR_CACHE',
  ).default(defaultCache(), '~/.cache/clr');
export const runsOption = () =>
  withVariable(new Option('--runs <dir>', 'where run folders are created'), 'CLR_RUNS').default('runs');

/** Lets an environment variable set the option; an empty one counts as unset. */
function withVariable(option: Option, name: string): Option {
  if (process.env[name] === '') delete process.env[name];
  return option.env(name);
}

export const setOption = () =>
  new Option('--set <key=value>', 'override one key, e.g. schedule.max_lr=2; repeatable')
    .argParser(collect)
    .default([], 'none');
export const overrideOption = () =>
  new Option('--override <file>', 'merge a partial config over the config; repeatable')
    .argParser(collect)
    .default([], 'none');

export const jobsOption = () =>
  new Option(
    '--jobs <n>',
    'number of runs at the same time, sharing the processors; auto: as many as processors and memory allow',
  )
    .argParser((text: string) => (text === 'auto' ? text : positiveInteger(text)))
    .default('auto');
export const tagOption = () =>
  new Option('--tag <word>', 'label the run, for `clr ls --tag`; repeatable').argParser(collect).default([], 'none');
export const dryRunOption = () => new Option('--dry-run', 'train nothing; list what would run and estimate the time');

export const verboseOption = () => new Option('--verbose', 'print why the backend was chosen and its device limits');
export const takeOverOption = () =>
  new Option('--take-over', 'resume runs whose lock was left by a process on another machine (make sure it has ended)');

/** Shorthands for --set. */
const shorthandOptions = [
  new Option('--backend <name>', 'auto, or a backend that `clr doctor` lists'),
  new Option('--precision <p>', 'f32, bf16 or f16'),
  new Option('--threads <n>', 'number of processor threads'),
  new Option('--device <name>', 'device of the backend, by part of its name'),
  new Option('--epochs <n>', 'passes over the training set'),
  new Option('--seed <n>', 'determines initial weights, shuffling and augmentation'),
  new Option('--name <text>', 'name of the run in lists, tables and charts'),
  new Option('--max-iterations <n>', 'stop after this many updates'),
];

/** Adds the shorthands that a command takes: all, the named ones, or all except some. */
export function addShorthands(command: Command, names?: readonly string[] | { except: readonly string[] }): void {
  const takes = (name: string) => {
    if (!names) return true;
    return 'except' in names ? !names.except.includes(name) : names.includes(name);
  };
  for (const option of shorthandOptions) if (takes(option.long!)) command.addOption(option);
}

export interface ConfigFlags {
  set: string[];
  override: string[];
  tag?: string[];
  [shorthand: string]: unknown;
}

/** Reads the config with all overrides of the flags; `more`: flags whose name is not that of their key. */
export async function configFromFlags(
  file: string,
  flags: ConfigFlags,
  more: Record<string, string> = {},
): Promise<ExperimentConfig> {
  const { loadConfig } = await import('../config/load.js');
  return loadConfig(file, overridesOf(flags, more));
}

/** The overrides that the flags ask for. */
export function overridesOf(flags: ConfigFlags, more: Record<string, string> = {}): ConfigOverrides {
  const given = shorthandOptions.filter((option) => flags[option.attributeName()] !== undefined);
  const shorthands = given.map((option) => {
    if (flags[option.attributeName()] === '') throw new ClrError('usage', `${option.long} needs a value`);
    return [option.long!, `${option.name().replace('-', '_')}=${flags[option.attributeName()]}`];
  });
  const tags = flags.tag?.length ? { '--tag': `tags=${JSON.stringify(flags.tag)}` } : {};
  return {
    files: flags.override,
    set: flags.set,
    flags: { ...more, ...tags, ...Object.fromEntries(shorthands) },
  };
}

export function positiveInteger(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('must be a whole number, at least 1');
  return n;
}

/** The chance of a wrong verdict. */
export function alpha(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 0.5)) throw new InvalidArgumentError('must be above 0 and below 0.5');
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('must be a number above 0');
  return value;
}

/** For options that may be repeated. */
export function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}

function defaultCache(): string {
  const base = process.env.XDG_CACHE_HOME || `${process.env.HOME ?? '.'}/.cache`;
  return `${base}/clr`;
}
