import type { z } from 'zod';
import { ClrError } from '../errors.js';
import { type AliasKind, keySuggestion, suggestion } from './aliases.js';
import { type Draft, describe, type Tree } from './draft.js';
import { inputSchema, keysAt, type Node, nodeAt, typesAt } from './json-schema.js';

const maxListed = 10; // further errors shown

type Issue = z.core.$ZodIssue;

/** What is wrong, and what might help. */
interface Explanation {
  text: string;
  hint?: string;
}

/** Validates a draft; only this file reads zod's issues. Throws ClrError('usage') with place, key, value and remedy. */
export function validate<Schema extends z.ZodType>(schema: Schema, draft: Draft, file: string): z.output<Schema> {
  const result = schema.safeParse(draft.tree, { error: words });
  if (result.success) return result.data;
  const root = inputSchema(schema);
  const misspelt = (issue: Issue) => Number(issue.code === 'unrecognized_keys'); // may explain a missing key
  const issues = result.error.issues.toSorted((a, b) => misspelt(b) - misspelt(a));
  const [first, ...others] = issues.flatMap((issue) => explain(issue, draft, file, root)) as [Explanation];
  throw new ClrError('usage', first.text, hintOf(first.hint, others));
}

function hintOf(hint: string | undefined, others: Explanation[]): string | undefined {
  const listed = others.slice(0, maxListed).map(({ text }) => text);
  const more = others.length > maxListed ? [`and ${others.length - maxListed} more`] : [];
  const also = others.length > 0 ? [`also: ${[...listed, ...more].join('\n      ')}`] : [];
  return [...(hint ? [hint] : []), ...also].join('\n  ') || undefined;
}

function explain(issue: Issue, draft: Draft, file: string, root: Node): Explanation[] {
  const node = nodeAt(root, draft.tree, issue.path);
  const value = issue.path.reduce<unknown>((tree, key) => (tree as Tree | undefined)?.[key as string], draft.tree);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey([...issue.path, key].join('.'), keysAt(node, value), draft, file));
  const types = typesAt(node);
  const isWrongType = issue.code === 'invalid_union' && issue.path.at(-1) === 'type';
  if (isWrongType) return [wrongType(issue.path.slice(0, -1), value, draft, file, root)];
  if (types.length > 0 && value === undefined) return [wrongType(issue.path, undefined, draft, file, root)];
  if (value === undefined) return [missing(issue, node, draft, file)];
  const at = issue.path.join('.');
  const shown = typeof value === 'object' && value !== null ? '' : ` (it is ${describe(value)})`;
  const place = placeOf(at, draft, issue.message) ?? file;
  const subject = place === `--${at.replaceAll('_', '-')}` ? place : `${place}: ${at}`; // --epochs names it
  const hint = issue.code === 'custom' ? (issue.params?.hint as string | undefined) : undefined;
  return [{ text: `${subject}: ${issue.message}${shown}`, ...(hint && { hint }) }];
}

function unknownKey(at: string, known: string[], { origin }: Draft, file: string): Explanation {
  const near = keySuggestion(at, known);
  const choices = known.length > 0 && !near.startsWith(':') ? `; known: ${known.join(', ')}` : '';
  return { text: `${origin.get(at) ?? file}: unknown key "${at}"${near}${choices}` };
}

/** `path` leads to the object whose `type` is missing or unknown. */
function wrongType(path: PropertyKey[], type: unknown, draft: Draft, file: string, root: Node): Explanation {
  const known = typesAt(nodeAt(root, draft.tree, path));
  const at = path.join('.');
  const kind = String(path.at(-1));
  const place = placeOf(`${at}.type`, draft) ?? placeOf(at, draft) ?? file;
  const choices = `known: ${known.join(', ')}`;
  const article = /^[aeiou]/.test(kind) ? 'an' : 'a';
  if (type === undefined) {
    const lead = placeOf(at, draft) ? '' : `"${at}" is missing: `;
    return { text: `${place}: ${lead}${article} ${kind} needs a type; ${choices}` };
  }
  const near = typeof type === 'string' ? suggestion(kind as AliasKind, type, known) : '';
  return { text: `${place}: ${at}: unknown ${kind} ${describe(type)}${near}; ${choices}` };
}

function missing({ path, message }: Issue, node: Node | undefined, draft: Draft, file: string): Explanation {
  const at = path.join('.');
  const parent = path.slice(0, -1).join('.');
  const place = placeOf(`${parent}.type`, draft) ?? placeOf(parent, draft) ?? file;
  const meaning = node?.description ? ` (${node.description})` : '';
  const change = draft.replaced.get(parent);
  return {
    text: `${place}: "${at}" is missing: it ${message}${meaning}`,
    ...(change && {
      hint: `another type replaces the whole ${parent}: the options of ${change.was} do not carry over to ${change.by}`,
    }),
  };
}

/** Where a key was set; of an object: where those of its keys that the message names were set, or its `type`. */
function placeOf(at: string, { origin }: Draft, message = ''): string | undefined {
  const named = message.match(/\w+/g)?.flatMap((word) => origin.get(`${at}.${word}`) ?? []) ?? [];
  return [...new Set(named)].join(', ') || (origin.get(at) ?? origin.get(`${at}.type`));
}

const kinds: Record<string, string> = {
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  string: 'a string',
  array: 'a list',
  tuple: 'a list',
  object: 'an object of keys',
  record: 'an object of keys',
};

/** zod's issues in plain words, as predicates of the value ("must be ..."); a schema's own messages take precedence. */
function words(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return `must be ${kinds[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `must be ${listed(issue.values.map(String))}`;
  if (issue.code === 'too_small') return limit(issue.origin, issue.minimum, issue.inclusive ? 'at least' : 'above');
  if (issue.code === 'too_big') return limit(issue.origin, issue.maximum, issue.inclusive ? 'at most' : 'below');
  if (issue.code === 'invalid_format') return 'has an invalid format';
  return undefined;
}

function limit(origin: string, bound: number | bigint, relation: string): string {
  if (origin === 'string') return `must have ${relation} ${bound} ${Number(bound) === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `must have ${relation} ${bound} ${Number(bound) === 1 ? 'entry' : 'entries'}`;
  return `must be ${relation} ${bound}`;
}

/** `a, b or c` */
function listed(choices: string[]): string {
  return choices.length < 2 ? choices.join() : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}
