import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import { configSchema, defaultTypes, type ExperimentConfig } from './schema.js';

const maxBytes = 1 << 16; // the parser's time and stack grow faster than the text
const maxDepth = 16;
const maxFiles = 64;
const maxListed = 10; // further errors shown
type Tree = { [key: string]: unknown };

/** A config before validation, and where each of its keys was set (`schedule.max_lr` -> `file:line` or `--set`). */
interface Draft {
  tree: Tree;
  origin: Map<string, string>;
}

export interface ConfigOverrides {
  /** Partial configs, merged over the file in this order. */
  files?: string[];
  /** `key.path=value`; values are read as YAML. */
  set?: string[];
  /** Flag -> the assignment that it is short for; errors name the flag. */
  flags?: Record<string, string>;
}

/** Reads a JSON or YAML config with all that it extends, applies the overrides, validates. Throws ClrError('usage'). */
export function loadConfig(file: string, overrides: ConfigOverrides = {}): ExperimentConfig {
  const draft: Draft = { tree: defaultTypes, origin: new Map() }; // so that `model: { depth: 20 }` needs no type
  mergeDraft(draft, readDraft(file));
  for (const override of overrides.files ?? []) mergeDraft(draft, readDraft(override));
  for (const assignment of overrides.set ?? []) mergeDraft(draft, parseAssignment(assignment));
  for (const [flag, assignment] of Object.entries(overrides.flags ?? {}))
    mergeDraft(draft, parseAssignment(assignment, flag));
  draft.tree.name ??= path.basename(file).replace(/\.(json|ya?ml)$/i, '');
  return validate(configSchema, draft, file);
}

/** Reads a JSON or YAML file of another kind, with errors worded as for configs. */
export function readValidated<Schema extends z.ZodType>(schema: Schema, file: string): z.output<Schema> {
  return validate(schema, parse(readText(file), file), file);
}

/** Checks a config that is already a tree, such as a run folder's config.json. */
export function validateConfig(tree: unknown, where: string): ExperimentConfig {
  if (!isTree(tree)) throw new ClrError('usage', `${where}: not a config, but ${describe(tree)}`);
  return validate(configSchema, { tree, origin: new Map() }, where);
}

/** `left`: how many files more may be read, since each may extend several. */
function readDraft(file: string, ancestors: string[] = [], left = { files: maxFiles }): Draft {
  if (left.files-- === 0) throw new ClrError('usage', `${file}: more than ${maxFiles} files extend one another`);
  const absolute = path.resolve(file);
  if (ancestors.includes(absolute)) throw new ClrError('usage', `${file}: extends itself`, ancestors.join(' -> '));
  if (ancestors.length > maxDepth) throw new ClrError('usage', `${file}: extends more than ${maxDepth} levels deep`);
  const own = parse(readText(file), file);
  const { extends: bases, ...tree } = own.tree;
  if (bases === undefined) return own;
  const draft: Draft = { tree: {}, origin: new Map() };
  for (const base of [bases].flat()) {
    if (typeof base !== 'string')
      throw new ClrError('usage', `${file}: extends takes a relative path, not ${describe(base)}`);
    mergeDraft(draft, readDraft(path.join(path.dirname(file), base), [...ancestors, absolute], left));
  }
  const { name, ...inherited } = draft.tree; // a name is a file's own
  draft.tree = inherited;
  return mergeDraft(draft, { tree, origin: own.origin });
}

function readText(file: string): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile())
      throw new ClrError('usage', `${file}: not a file, but a ${stats.isDirectory() ? 'folder' : 'device'}`);
    if (stats.size > maxBytes) throw new ClrError('usage', `${file}: larger than a config may be (64 KiB)`);
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof ClrError) throw error;
    throw new ClrError(
      'usage',
      `cannot read the config ${file}: ${(error as Error).message}`,
      'name a .json or .yaml file',
    );
  }
}

function parse(text: string, file: string): Draft {
  refuseNesting(text, file);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [error] = [...document.errors, ...document.warnings];
  if (error) throw new ClrError('usage', `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
  visit(document, {
    Pair(_, { key }) {
      if (!isNode(key) || isScalar(key)) return; // a map or an alias would be spelt out, each level twice as long
      throw new ClrError('usage', `${file}:${lines.linePos(key.range?.[0] ?? 0).line}: a key must be a word`);
    },
  });
  const tree: unknown = toTree(document, file);
  if (!isTree(tree)) throw new ClrError('usage', `${file}: a config is a mapping of keys, not ${describe(tree)}`);
  const origin = new Map<string, string>();
  const note = (node: unknown, prefix: string): void => {
    const items = isMap(node)
      ? node.items.map((i) => [i.key, i.value] as const)
      : isSeq(node)
        ? [...node.items.entries()]
        : [];
    for (const [key, value] of items) {
      const where = isScalar(key) ? key : (value as typeof node);
      const keyPath = prefix + String(isScalar(key) ? key.value : key);
      const start = (where as { range?: [number, number, number] } | null)?.range?.[0] ?? 0; // null: no key, no value
      origin.set(keyPath, `${file}:${lines.linePos(start).line}`);
      note(value, `${keyPath}.`);
    }
  };
  note(document.contents, '');
  return { tree, origin };
}

function toTree(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    const tree: unknown = document.toJS({ maxAliasCount: 100 });
    refuseDepthAndPollution(tree, file, 0);
    return tree;
  } catch (error) {
    if (error instanceof ClrError) throw error;
    throw new ClrError('usage', `${file}: ${(error as Error).message}`);
  }
}

/** Before the parser sees the text, which runs out of stack, or memory, at thousands of levels. Counts those in strings too. */
function refuseNesting(text: string, file: string): void {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[{\]}]/g)) {
    depth = '[{'.includes(bracket) ? depth + 1 : Math.max(0, depth - 1);
    if (depth > 4 * maxDepth) throw tooDeep(file);
  }
  if (/^[ \t]{400}|(?:[-?:][ \t]+){64}/m.test(text)) throw tooDeep(file);
}

function tooDeep(file: string): ClrError {
  return new ClrError('usage', `${file}: nested more than ${maxDepth} levels deep`);
}

function refuseDepthAndPollution(value: unknown, file: string, depth: number): void {
  if (depth > maxDepth) throw tooDeep(file);
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    if (['__proto__', 'constructor', 'prototype'].includes(key))
      throw new ClrError('usage', `${file}: unknown key "${key}"`);
    refuseDepthAndPollution((value as Tree)[key], file, depth + 1);
  }
}

function parseAssignment(assignment: string, flag?: string): Draft {
  const [, key, text] = /^([\w$]+(?:\.\w+)*)=(.*)$/s.exec(assignment) ?? [];
  if (key === undefined || text === undefined) {
    throw new ClrError('usage', `--set ${assignment}: not of the form key=value`, 'e.g. --set schedule.max_lr=2');
  }
  const where = flag ?? `--set ${key}`;
  const { tree } = parse(`value: ${text}`, where);
  const keys = key.split('.');
  const nested = keys.reduceRight<unknown>((inner, k) => ({ [k]: inner }), tree.value) as Tree;
  refuseDepthAndPollution(nested, '--set', 0);
  const prefixes = keys.map((_, i) => keys.slice(0, i + 1).join('.'));
  return { tree: nested, origin: new Map(prefixes.map((prefix) => [prefix, where])) };
}

/** Objects are merged key by key; but one that names another `type` replaces the whole, since its options are others; null removes an inherited key. */
function mergeDraft(draft: Draft, over: Draft): Draft {
  draft.tree = mergeTrees(draft.tree, over.tree);
  for (const [key, where] of over.origin) draft.origin.set(key, where);
  return draft;
}

function mergeTrees(base: Tree, over: Tree): Tree {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = base[key];
    const compatible = isTree(value) && isTree(below) && (value.type === undefined || value.type === below.type);
    merged[key] = compatible ? mergeTrees(below, value) : value;
    if (value === null && below !== undefined) delete merged[key]; // RFC 7396, JSON Merge Patch
  }
  return merged;
}

function validate<Schema extends z.ZodType>(schema: Schema, draft: Draft, file: string): z.output<Schema> {
  const result = schema.safeParse(draft.tree);
  if (result.success) {
    delete (result.data as { $schema?: string }).$schema; // for editors, and relative to that file
    return result.data;
  }
  const misspelt = (issue: z.core.$ZodIssue) => Number(issue.code === 'unrecognized_keys'); // why another one is missing
  const issues = result.error.issues.toSorted((a, b) => misspelt(b) - misspelt(a));
  const lines = issues.flatMap((issue) => explain(issue, draft, file, schema).split('\n'));
  const [first, ...others] = lines as [string, ...string[]];
  const more = others.length > maxListed ? [`and ${others.length - maxListed} more`] : [];
  const hint = `also: ${[...others.slice(0, maxListed), ...more].join('\n      ')}`;
  throw new ClrError('usage', first, others.length > 0 ? hint : undefined);
}

/** `file:line: key: what is wrong with the value`. */
function explain(issue: z.core.$ZodIssue, { tree, origin }: Draft, file: string, schema: z.ZodType): string {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, tree, issue.path);
    return issue.keys
      .map((key) => {
        const at = [...issue.path, key].join('.');
        return `${origin.get(at) ?? file}: unknown key "${at}"${didYouMean(key, known)}; known: ${known.join(', ')}`;
      })
      .join('\n');
  }
  const key = issue.path.join('.');
  const value = issue.path.reduce<unknown>((node, k) => (node as Tree | undefined)?.[k as string], tree);
  const setBy = (at: string) => origin.get(at) ?? origin.get(`${at}.type`);
  if (value === undefined) {
    const parent = issue.path.slice(0, -1).join('.'); // another type there starts from its own defaults
    return `${origin.get(`${parent}.type`) ?? setBy(parent) ?? file}: "${key}" is missing: ${issue.message}`;
  }
  const where = setBy(key) ?? file;
  return `${where}: ${key}: ${issue.message}${isTree(value) ? '' : ` (it is ${describe(value)})`}`;
}

/** The keys that the schema knows at `keyPath`, found by asking it about an empty object of the same type. */
function knownKeys(root: z.ZodType, tree: Tree, keyPath: PropertyKey[]): string[] {
  let schema: unknown = root;
  let node: unknown = tree;
  for (const key of keyPath) {
    node = (node as Tree)[key as string];
    schema = shapeOf(schema, undefined)[key as string];
  }
  const type = isTree(node) ? node.type : undefined;
  return Object.keys(shapeOf(schema, type));
}

interface SchemaParts {
  def: { innerType?: unknown; options?: unknown[]; shape?: Record<string, unknown> };
}

/** The keys of an object schema, under its wrappers, and of the union's member whose `type` is `type`. */
function shapeOf(schema: unknown, type: unknown): Record<string, unknown> {
  const { def } = (schema as SchemaParts | undefined) ?? { def: {} };
  if (def.innerType) return shapeOf(def.innerType, type);
  if (def.shape) return def.shape;
  const members = (def.options ?? []).map((member) => shapeOf(member, type));
  const literal = (shape: Record<string, unknown>) =>
    (shape.type as { def: { values?: unknown[] } } | undefined)?.def.values?.[0];
  return members.find((shape) => literal(shape) === type) ?? {};
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === undefined) return 'empty';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
