import { datasets } from '../datasets/index.js';
import { models } from '../models/index.js';
import { optimizers } from '../optimizers/index.js';
import type { Entry } from '../registry.js';
import { schedules } from '../schedules/index.js';
import { inputSchema, type Node } from './json-schema.js';
import { configJsonSchema } from './schema.js';

/** One key of a config, as `clr show` and configs/README.md list it. */
export interface ConfigKey {
  /** Dotted, `phases[].lr` within a list. */
  key: string;
  /** In words: `number > 0`, `a | b`. */
  type: string;
  /** As JSON; undefined if there is none. */
  default?: string;
  required: boolean;
  description: string;
}

/** What a config key that takes a `type` can name. */
export const registries = { schedule: schedules, model: models, dataset: datasets, optimizer: optimizers };

/** The keys of a config, without the options of the types. */
export function configKeys(): ConfigKey[] {
  return keysOf(configJsonSchema() as Node).filter(({ key }) => key !== '$schema');
}

/** The options of one `type`. */
export function optionKeys(entry: Entry): ConfigKey[] {
  return keysOf(inputSchema(entry.options));
}

function keysOf({ properties = {}, required = [] }: Node, prefix = ''): ConfigKey[] {
  return Object.entries(properties).flatMap(([name, node]) => {
    const key = prefix + name;
    const own = {
      key,
      type: typeOf(node),
      default: defaultOf(node),
      required: required.includes(name),
      description: node.description ?? '',
    };
    return [own, ...keysBelow(node, key)];
  });
}

function keysBelow(node: Node, key: string): ConfigKey[] {
  if (isDuration(node)) return [];
  const items = node.items && !isDuration(node.items) ? keysOf(node.items, `${key}[].`) : [];
  const members = (node.anyOf ?? []).flatMap((member) => keysOf(member, `${key}.`).map(asOneOfSeveral));
  return [...keysOf(node, `${key}.`), ...members, ...items];
}

/** A key in one member of a union is not required: another member may be chosen. */
const asOneOfSeveral = (key: ConfigKey): ConfigKey => ({ ...key, required: false });

/** Not `{}`: the defaults of an object's keys say more. */
function defaultOf({ default: value, properties }: Node): string | undefined {
  if (value === undefined || (properties && JSON.stringify(value) === '{}')) return undefined;
  return JSON.stringify(value);
}

function typeOf(node: Node): string {
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum) return node.enum.join(' | ');
  if (node.oneOf) return 'an object with a type';
  if (node.anyOf) return node.anyOf.map(typeOf).join(' or ');
  if (isDuration(node)) return 'duration';
  if (node.properties) return 'an object';
  if (node.prefixItems) return `[${node.prefixItems.map(typeOf).join(', ')}]`;
  if (node.items) return node.items.enum ? `list of: ${typeOf(node.items)}` : `list of ${plural(typeOf(node.items))}`;
  return `${node.type}${bounds(node)}`;
}

const plural = (type: string) => `${type.replace(/^an? /, '')}s`;

/** ` >= 0`, ` in [0, 1)`; omits MAX_SAFE_INTEGER, which zod sets as the bound of any integer. */
function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Node): string {
  const [low, high] = [minimum ?? exclusiveMinimum, maximum ?? exclusiveMaximum];
  if (low === undefined) return '';
  if (high === undefined || high === Number.MAX_SAFE_INTEGER) return ` ${minimum === undefined ? '>' : '>='} ${low}`;
  return ` in ${minimum === undefined ? '(' : '['}${low}, ${high}${maximum === undefined ? ')' : ']'}`;
}

function isDuration({ properties = {} }: Node): boolean {
  return Object.keys(properties).join() === 'epochs,iterations,share';
}
