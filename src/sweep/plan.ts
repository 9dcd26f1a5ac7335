import { z } from 'zod';
import { type ConfigOverrides, findConfig, loadConfig, namedBy, readValidated } from '../config/load.js';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import { type Halving, halvingSchema, type Question, questionSchema } from '../runs/sweep-manifest.js';
import { temporaryName } from '../system/atomic.js';
import { isLockName } from '../system/lock.js';
import { type KubernetesOptions, kubernetesSchema, type SlurmOptions, slurmSchema } from './launchers/options.js';

/** Every run of a sweep: each arm with each seed. */
export interface SweepPlan {
  name: string;
  arms: { name: string; config: ExperimentConfig }[];
  seeds: number[];
  /** Dotted key -> a value for each seed, in the order of the seeds. */
  vary: Record<string, Scalar[]>;
  /** Whether arms are compared seed by seed. */
  paired: boolean;
  /** Seeds are added until it is decided; `seeds` then lists all that may be used. */
  question?: Question | undefined;
  /** Arms that fall behind stop early. */
  halving?: Halving | undefined;
  /** Settings of its jobs on Slurm and Kubernetes. */
  slurm?: SlurmOptions | undefined;
  kubernetes?: KubernetesOptions | undefined;
}

const name = z
  .string()
  .regex(
    /^[\w+(][\w .,+=()-]{0,99}$/,
    'must be 1 to 100 letters, digits, spaces or . , + = ( ) _ -; it names a folder',
  );
const armName = name.refine(
  (text) => text.toLowerCase() !== 'sweep.json' && !temporaryName.test(text) && !isLockName(text),
  "must not be that of a sweep's own file (sweep.json, lock-..., ....tmp)",
);
const seed = z.int().min(0).max(4294967295);
type Scalar = string | number | boolean;
const scalar = z.union([z.string(), z.number(), z.boolean()], 'must be a number, a string, true or false');

/** A sweep file: YAML or JSON. */
export const sweepSchema = z.strictObject({
  $schema: z.string().optional().describe('path of the JSON Schema, for editors'),
  name: name.describe('name of the sweep and of its folder'),
  base: z
    .string()
    .describe(
      'the config that all arms start from: relative to this file, or the name of one that comes with the program',
    ),
  seeds: z
    .union(
      [z.int().min(1).max(10000), z.array(seed).min(1)],
      'must be a number of seeds (5: seeds 1 to 5) or a list of seeds',
    )
    .default(1)
    .describe('number of seeds, starting from 1, or a list of seeds'),
  arms: z
    .record(
      name,
      z.record(z.string(), z.unknown()).nullable(),
      'must be a mapping of names (of letters, digits, spaces or . , + = ( ) _ -) to overrides',
    )
    .optional()
    .describe('name -> overrides, nested or dotted (schedule.max_lr: 2)'),
  paired: z
    .boolean()
    .default(false)
    .describe(
      'compare arms seed by seed: worthwhile if what the seed determines (data order, initial weights) is the same in all arms',
    ),
  decide: questionSchema.optional().describe('the question that `--until decided` answers by adding seeds'),
  halving: halvingSchema.optional().describe('arms that fall behind stop early (successive halving)'),
  vary: z
    .record(z.string(), z.array(scalar).min(1), 'must be a mapping of dotted keys to lists of values')
    .default({})
    .describe(
      'dotted key -> a value per seed: repetitions of an arm that differ in more than the seed and share a row',
    ),
  grid: z
    .record(z.string(), z.array(scalar).min(1), 'must be a mapping of dotted keys to lists of values')
    .optional()
    .describe('dotted key -> values; each arm with each combination'),
  slurm: slurmSchema.optional().describe('settings of the jobs of --launcher slurm'),
  kubernetes: kubernetesSchema.optional().describe('settings of the Job of --launcher kubernetes'),
});

/** JSON Schema of sweep files, for editors. */
export function sweepJsonSchema(): object {
  return { ...z.toJSONSchema(sweepSchema, { io: 'input' }), title: 'clr sweep' };
}

interface Arm {
  name: string;
  set: Placed[];
}

/** `key=value`, the value as JSON, and the place where it was set. */
interface Placed {
  assignment: string;
  where: string;
}

/** A sweep file, and the place of each of its keys. */
interface SweepFile {
  sweep: z.output<typeof sweepSchema>;
  file: string;
  origin: Map<string, string>;
}

/** Condition that ends a sweep. */
export type Until = 'done' | 'decided';

/** What the command line changes in a sweep file. */
export interface SweepOverrides {
  /** Overrides for the config of every arm. */
  config?: ConfigOverrides;
  name?: string;
  /** As `parseSeeds` reads them. */
  seeds?: string;
  until?: Until;
}

/** Reads a sweep file and the config of each arm. Throws ClrError('usage'). */
export function readSweep(named: string, { config = {}, until = 'done', ...own }: SweepOverrides = {}): SweepPlan {
  const read = readSweepFile(named);
  if (own.name !== undefined) read.sweep.name = checkArmName(own.name);
  if (own.seeds !== undefined) read.sweep.seeds = parseSeeds(own.seeds);
  const { sweep, file } = read;
  const base = namedBy(file, sweep.base);
  const { name, vary, paired, halving } = sweep;
  const asked = sweep.decide || until === 'decided' ? askedQuestion(read) : undefined;
  const question = until === 'decided' ? asked : undefined;
  const seeds = question ? seedsToDecide(question, sweep.seeds, file) : seedList(sweep.seeds, file);
  for (const [key, values] of Object.entries(vary))
    if (values.length !== seeds.length)
      throw new ClrError(
        'usage',
        `${file}: vary.${key} needs a value for each of the ${seeds.length} seeds (it has ${values.length})`,
      );
  refuseOwnKeys(read);
  const plan = { name, seeds, vary, paired, question, halving };
  const arms = expandArms(read).map((arm) => ({ name: arm.name, config: armConfig(base, arm, config, plan, read) }));
  if (halving) refuseHalving(arms, question, file);
  return { ...plan, arms, slurm: sweep.slurm, kubernetes: sweep.kubernetes };
}

/** A seed or a name among the settings of an arm would be overridden by the sweep. */
function refuseOwnKeys({ sweep: { arms = {}, grid = {}, vary }, file }: SweepFile): void {
  const hints = { seed: 'use seeds: [3, 7, 11]', name: 'arms are named by their keys' };
  const places = { grid, vary, ...Object.fromEntries(Object.entries(arms).map(([arm, set]) => [`arms.${arm}`, set])) };
  for (const [place, set] of Object.entries(places))
    for (const [key, hint] of Object.entries(hints))
      if (key in (set ?? {}))
        throw new ClrError('usage', `${file}: ${place}.${key}: an arm has no ${key} of its own`, hint);
}

/** Ranking needs arms of equal length, and a verdict needs all seeds of an arm. */
function refuseHalving(arms: SweepPlan['arms'], question: Question | undefined, file: string): void {
  if (question) throw new ClrError('usage', `${file}: halving cannot be combined with --until decided`);
  const epochs = [...new Set(arms.map(({ config }) => config.epochs))];
  if (epochs.length === 1) return;
  const hint = 'give all arms the same epochs, or leave halving out';
  throw new ClrError('usage', `${file}: halving: the arms differ in epochs: ${epochs.join(', ')}`, hint);
}

/** The question in `decide`, with an existing baseline. */
function askedQuestion(read: SweepFile): Question {
  const { sweep, file } = read;
  const arms = expandArms(read).map((arm) => arm.name);
  const hint = 'e.g. decide: { metric: val_acc, difference: 0.2 }';
  if (!sweep.decide) throw new ClrError('usage', `${file}: --until decided needs a question: \`decide\``, hint);
  const { baseline = arms[0]! } = sweep.decide;
  if (!arms.includes(baseline))
    throw new ClrError(
      'usage',
      `${file}: decide.baseline: no arm is called "${baseline}"${didYouMean(baseline, arms)}`,
    );
  if (arms.length < 2)
    throw new ClrError('usage', `${file}: decide: there is only one arm, and nothing to compare it with`);
  return { ...sweep.decide, baseline };
}

/** All seeds that may be used, in order: the list, or 1, 2 and so on. */
function seedsToDecide({ max_seeds: maxSeeds }: Question, seeds: number | number[], file: string): number[] {
  if (typeof seeds === 'number') return seedList(maxSeeds, file);
  if (seeds.length >= maxSeeds) return seedList(seeds, file).slice(0, maxSeeds);
  throw new ClrError('usage', `${file}: seeds: only ${seeds.length} are listed, but decide.max_seeds is ${maxSeeds}`);
}

/** The varied settings of a seed: dotted key -> value. */
export function variation({ seeds, vary }: Pick<SweepPlan, 'seeds' | 'vary'>, seed: number): Record<string, Scalar> {
  const i = seeds.indexOf(seed);
  return Object.fromEntries(Object.entries(vary).map(([key, values]) => [key, values[i]!]));
}

/** `key=value`, values as JSON. */
export function assignments(tree: Record<string, unknown>): string[] {
  return Object.entries(tree).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
}

function readSweepFile(named: string): SweepFile {
  const file = findConfig(named, 'sweeps');
  try {
    const { value, origin } = readValidated(sweepSchema, file);
    return { sweep: value, file, origin };
  } catch (error) {
    if (!isExperiment(file)) throw error;
    throw new ClrError('usage', `${file} is the config of an experiment, not a sweep`, `clr run ${file}`);
  }
}

function isExperiment(file: string): boolean {
  try {
    return Boolean(loadConfig(file));
  } catch {
    return false;
  }
}

/** `5` -> 1 to 5; `3,7,11` -> those. Throws ClrError('usage'). */
export function parseSeeds(text: string): number[] {
  const numbers = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if (numbers.some((n) => !(n <= 4294967295)) || (numbers.length === 1 && !(numbers[0]! >= 1 && numbers[0]! <= 10000)))
    throw new ClrError(
      'usage',
      `--seeds ${text}: neither a number of seeds nor a list of them`,
      'e.g. --seeds 5, or 3,7,11',
    );
  return seedList(numbers.length === 1 ? numbers[0]! : numbers, '--seeds');
}

function seedList(seeds: number | number[], where: string): number[] {
  if (typeof seeds === 'number') return Array.from({ length: seeds }, (_, i) => i + 1);
  const twice = seeds.find((s, i) => seeds.indexOf(s) !== i);
  if (twice !== undefined) throw new ClrError('usage', `${where}: seed ${twice} is listed twice`);
  return seeds;
}

/** The overrides below `key` of a sweep file. */
function placed(overrides: Record<string, unknown>, key: string, { file, origin }: SweepFile): Placed[] {
  return assignments(overrides).map((assignment) => ({
    assignment,
    where: origin.get(`${key}.${assignment.slice(0, assignment.indexOf('='))}`) ?? file,
  }));
}

/** Arms times grid; a combination is named by the last parts of its keys if these are unique, else by whole keys. */
function expandArms(read: SweepFile): Arm[] {
  const { name: sweepName, arms = {}, grid = {} } = read.sweep;
  const named = Object.entries(arms).map(([arm, overrides]) => ({
    name: arm,
    set: placed(overrides ?? {}, `arms.${arm}`, read),
  }));
  const keys = Object.keys(grid);
  const short = keys.map((key) => key.slice(key.lastIndexOf('.') + 1));
  const labels = new Set(short).size === keys.length ? short : keys;
  let all: Arm[] = named.length > 0 ? named : [{ name: keys.length > 0 ? '' : sweepName, set: [] }];
  keys.forEach((key, i) => {
    all = all.flatMap((arm) =>
      grid[key]!.map((value) => ({
        name: [arm.name, `${labels[i]}=${value}`].filter(Boolean).join(','),
        set: [...arm.set, ...placed({ [key]: value }, 'grid', read)],
      })),
    );
  });
  const folders = all.map((arm) => arm.name.toLowerCase());
  const twice = all.find((arm, i) => folders.indexOf(arm.name.toLowerCase()) !== i);
  if (twice)
    throw new ClrError(
      'usage',
      `sweep ${sweepName}: two arms are called "${twice.name}", upper and lower case being the same`,
    );
  return all;
}

/** Returns the name. Throws ClrError('usage') if no folder can have it. */
export function checkArmName(text: string): string {
  const { error } = armName.safeParse(text);
  if (error) throw new ClrError('usage', `arm "${text}": the name ${error.issues[0]!.message}`);
  return text;
}

/**
 * The config of an arm, checked with the variation of each seed. An arm with other settings does not inherit
 * `expected`.
 */
function armConfig(
  base: string,
  arm: Arm,
  over: ConfigOverrides,
  plan: Omit<SweepPlan, 'arms'>,
  read: SweepFile,
): ExperimentConfig {
  checkArmName(arm.name);
  const keys = Object.keys(plan.vary);
  const own = placed({ name: arm.name, ...(keys.length > 0 && { varies: keys }) }, 'arms', read);
  const load = (more: Placed[]) =>
    loadConfig(base, { ...over, flags: { ...over.flags, ...byPlace([...arm.set, ...own, ...more]) } });
  if (keys.length > 0) for (const s of plan.seeds) load(placed(variation(plan, s), 'vary', read));
  const config = load([]);
  const reports = arm.set.some(({ assignment }) => /^expected[.=]/.test(assignment));
  if (arm.set.length > 0 && !reports) config.expected = undefined;
  return config;
}

function byPlace(overrides: Placed[]): Record<string, string[]> {
  const places: Record<string, string[]> = {};
  for (const { assignment, where } of overrides) places[where] = [...(places[where] ?? []), assignment];
  return places;
}
