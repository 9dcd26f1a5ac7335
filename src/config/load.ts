import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import { shipped } from '../system/root.js';
import { type Draft, describe, draftOf, isTree, mergeDraft, type Tree } from './draft.js';
import { validate } from './explain.js';
import { maxDepth, parse, refuseDepthAndPollution } from './parse.js';
import { configSchema, defaultTypes, type ExperimentConfig } from './schema.js';

const maxBytes = 1 << 16; // the parser's time and stack grow faster than linearly
const maxFiles = 64;

export interface ConfigOverrides {
  /** Partial configs, merged over the file in this order. */
  files?: string[];
  /** `key.path=value`; values are read as YAML. */
  set?: string[];
  /** Flag or place -> the assignments made there; errors name it. */
  flags?: Record<string, string | string[]>;
}

/** A config, and where each of its keys was set: `schedule.max_lr` -> `file:line`, or the flag. */
export interface Resolved {
  config: ExperimentConfig;
  origin: Map<string, string>;
}

/** Reads a JSON or YAML config and those it extends, applies the overrides, validates. Throws ClrError('usage'). */
export function loadConfig(file: string, overrides: ConfigOverrides = {}): ExperimentConfig {
  return resolveConfig(file, overrides).config;
}

/** The same, with the origin of each key. `file` may be the name of a config that comes with the program. */
export function resolveConfig(named: string, { files = [], set = [], flags = {} }: ConfigOverrides = {}): Resolved {
  const file = findConfig(named);
  const draft = draftOf(defaultTypes); // so that `model: { depth: 20 }` needs no type
  mergeDraft(draft, readDraft(file));
  refuseSweep(draft.tree, file);
  for (const override of files) mergeDraft(draft, readDraft(findConfig(override, 'override')));
  for (const assignment of set) mergeDraft(draft, parseAssignment(assignment));
  for (const [flag, assignments] of Object.entries(flags))
    for (const assignment of [assignments].flat()) mergeDraft(draft, parseAssignment(assignment, flag));
  draft.tree.name ??= path.basename(file).replace(/\.(json|ya?ml)$/i, '');
  const { $schema: _, ...config } = validate(configSchema, draft, file); // for editors only, and relative to the file
  return { config, origin: draft.origin };
}

/** Reads a JSON or YAML file of another kind, with errors worded as for configs. */
export function readValidated<Schema extends z.ZodType>(
  schema: Schema,
  file: string,
): { value: z.output<Schema>; origin: Map<string, string> } {
  const draft = parse(readText(file), file);
  return { value: validate(schema, draft, file), origin: draft.origin };
}

/** Checks a config that is already a tree, such as a run folder's config.json. */
export function validateConfig(tree: unknown, where: string): ExperimentConfig {
  if (!isTree(tree)) throw new ClrError('usage', `${where}: not a config, but ${describe(tree)}`);
  const { $schema: _, ...config } = validate(configSchema, draftOf(tree), where);
  return config;
}

/** An older run's config, with defaults for the keys added since; unchanged if it is not valid. */
export function completed(config: object): object {
  return configSchema.safeParse(config).data ?? config;
}

/** `quickstart` -> that config of the program, unless a file has this name; `name` itself if neither exists. */
export function findConfig(name: string, folder = '.'): string {
  if (existsSync(name) && !statSync(name).isDirectory()) return name;
  const found = ['.json', '.yaml', ''].map((ending) => shipped(path.join('configs', folder, name + ending)));
  const own = name.replace(/^configs\//, '');
  const below = own === name ? [] : [shipped(path.join('configs', own))];
  return [...found, ...below].find((file) => existsSync(file) && statSync(file).isFile()) ?? name;
}

/** Resolves a config named in `file`: absolute, relative to `file`, or one that comes with the program. */
export function namedBy(file: string, name: string): string {
  const beside = path.isAbsolute(name) ? name : path.join(path.dirname(file), name);
  if (existsSync(beside)) return beside;
  const found = findConfig(name);
  return found === name ? beside : found;
}

/** `left`: how many more files may be read; a limit is needed because each may extend several. */
function readDraft(file: string, ancestors: string[] = [], left = { files: maxFiles }): Draft {
  if (left.files-- === 0) throw new ClrError('usage', `${file}: more than ${maxFiles} files extend one another`);
  const absolute = path.resolve(file);
  if (ancestors.includes(absolute)) throw new ClrError('usage', `${file}: extends itself`, ancestors.join(' -> '));
  if (ancestors.length > maxDepth) throw new ClrError('usage', `${file}: extends more than ${maxDepth} levels deep`);
  const own = parse(readText(file), file);
  const { extends: bases, ...tree } = own.tree;
  if (bases === undefined) return own;
  const draft = draftOf({});
  for (const base of [bases].flat()) {
    if (typeof base !== 'string')
      throw new ClrError('usage', `${file}: extends takes a relative path, not ${describe(base)}`);
    mergeDraft(draft, readDraft(namedBy(file, base), [...ancestors, absolute], left));
  }
  const { name, ...inherited } = draft.tree; // names are not inherited
  draft.tree = inherited;
  return mergeDraft(draft, { ...own, tree });
}

function readText(file: string): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile())
      throw new ClrError('usage', `${file}: not a file, but a ${stats.isDirectory() ? 'folder' : 'device'}`);
    if (stats.size > maxBytes) throw new ClrError('usage', `${file}: larger than the limit for a config (64 KiB)`);
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof ClrError) throw error;
    throw unreadable(file, error as NodeJS.ErrnoException);
  }
}

function unreadable(file: string, { code, message }: NodeJS.ErrnoException): ClrError {
  const reasons: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'permission denied' };
  const near = code === 'ENOENT' ? nearestFile(file) : '';
  return new ClrError(
    'usage',
    `cannot read the config ${file}: ${reasons[code ?? ''] ?? message}${near}`,
    'name a .json or .yaml file, or a config that comes with the program, such as quickstart or rn56-1cycle',
  );
}

/** "did you mean": a config in the same folder, or one that comes with the program. */
function nearestFile(file: string): string {
  const folder = path.dirname(file);
  const configs = (directory: string) =>
    existsSync(directory) ? readdirSync(directory).filter((name) => /\.(json|ya?ml)$/.test(name)) : [];
  const beside = configs(folder).map((name) => path.join(folder, name));
  const bundled = configs(shipped('configs')).map((name) => name.replace(/\.json$/, ''));
  return didYouMean(file, beside) || didYouMean(path.basename(file).replace(/\.(json|ya?ml)$/, ''), bundled);
}

/** A sweep file has keys that no experiment has. */
function refuseSweep(tree: Tree, file: string): void {
  if (['base', 'arms', 'grid'].some((key) => key in tree) && !('schedule' in tree))
    throw new ClrError('usage', `${file} is a sweep, not the config of an experiment`, `clr sweep ${file}`);
}

function parseAssignment(assignment: string, flag?: string): Draft {
  const [, key, text] = /^([\w$]+(?:\.\w+)*)=(.*)$/s.exec(assignment) ?? [];
  if (key === undefined || text === undefined)
    throw new ClrError(
      'usage',
      `${flag ?? '--set'} ${assignment}: not of the form key=value`,
      'e.g. --set schedule.max_lr=2',
    );
  const where = flag ?? `--set ${key}`;
  const { tree, origin } = parse(`value: ${text}`, where);
  const keys = key.split('.');
  const nested = keys.reduceRight<unknown>((inner, k) => ({ [k]: inner }), tree.value) as Tree;
  refuseDepthAndPollution(nested, '--set');
  const prefixes = keys.map((_, i) => keys.slice(0, i + 1).join('.'));
  const below = [...origin.keys()].filter((k) => k.startsWith('value.')).map((k) => key + k.slice('value'.length));
  return draftOf(
    nested,
    [...prefixes, ...below].map((k) => [k, where]),
  );
}
