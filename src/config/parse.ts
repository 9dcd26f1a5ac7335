import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, Scalar, visit } from 'yaml';
import { ClrError } from '../errors.js';
import { type Draft, describe, draftOf, isTree, type Tree } from './draft.js';

/** The most levels of nesting, and of files that extend one another. */
export const maxDepth = 16;

type Document = ReturnType<typeof parseDocument>;

/** Reads JSON or YAML, with the line of each key. `file`: the file or flag it comes from. Throws ClrError('usage'). */
export function parse(text: string, file: string): Draft {
  refuseNesting(text, file);
  const lines = new LineCounter();
  const lineOf = (position: number) => `${file}:${lines.linePos(position).line}`;
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  refuseComments(document, lineOf);
  const [error] = [...document.errors, ...document.warnings];
  if (error) throw new ClrError('usage', `${lineOf(error.pos[0])}: ${error.message}`);
  refuseOddKeys(document, lineOf);
  const tree: unknown = toTree(document, file);
  if (!isTree(tree)) throw new ClrError('usage', `${file}: a config is a mapping of keys, not ${describe(tree)}`);
  return draftOf(tree, [...keyLines(document.contents, '', lineOf)]);
}

/** The dotted key and the place of each entry below a node. */
function* keyLines(node: unknown, prefix: string, lineOf: (position: number) => string): Generator<[string, string]> {
  const pairs = isMap(node) ? node.items.map((i) => [i.key, i.value]) : isSeq(node) ? [...node.items.entries()] : [];
  for (const [key, value] of pairs) {
    const name = prefix + String(isScalar(key) ? key.value : key);
    const where = (isScalar(key) ? key : value) as { range?: [number, number, number] } | null; // null: no key, no value
    yield [name, lineOf(where?.range?.[0] ?? 0)];
    yield* keyLines(value, `${name}.`, lineOf);
  }
}

/** In YAML, `// text` is not a comment but plain text that becomes part of a key or value. */
function refuseComments(document: Document, lineOf: (position: number) => string): void {
  visit(document, {
    Scalar(_, { type, source, range }) {
      if (type !== Scalar.PLAIN) return;
      const comment = /(^|\s)\/[/*]/.exec(source ?? '');
      if (!comment) return;
      const where = lineOf((range?.[0] ?? 0) + comment.index);
      throw new ClrError('usage', `${where}: a comment begins with #`, 'write # in place of //, in JSON files too');
    },
  });
}

/** A map or alias used as a key would be written out as text, which doubles in length with each level. */
function refuseOddKeys(document: Document, lineOf: (position: number) => string): void {
  visit(document, {
    Pair(_, { key }) {
      if (!isNode(key) || isScalar(key)) return;
      throw new ClrError('usage', `${lineOf(key.range?.[0] ?? 0)}: a key must be a word`);
    },
  });
}

function toTree(document: Document, file: string): unknown {
  try {
    const tree: unknown = document.toJS({ maxAliasCount: 100 });
    refuseDepthAndPollution(tree, file);
    return tree;
  } catch (error) {
    if (error instanceof ClrError) throw error;
    throw new ClrError('usage', `${file}: ${(error as Error).message}`);
  }
}

/** Runs before the parser, which exhausts stack or memory at thousands of levels. Counts brackets in strings too. */
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

/** Throws ClrError('usage') for a tree that is too deep, or has a key that would pollute prototypes. */
export function refuseDepthAndPollution(value: unknown, file: string, depth = 0): void {
  if (depth > maxDepth) throw tooDeep(file);
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    if (['__proto__', 'constructor', 'prototype'].includes(key))
      throw new ClrError('usage', `${file}: unknown key "${key}"`);
    refuseDepthAndPollution((value as Tree)[key], file, depth + 1);
  }
}
