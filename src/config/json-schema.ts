import { z } from 'zod';

/** The part of JSON Schema that configs use. */
export interface Node {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  required?: string[];
  items?: Node | false;
  prefixItems?: Node[];
  anyOf?: Node[];
  oneOf?: Node[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

/** The JSON Schema of a file that is validated with `schema`. */
export function inputSchema(schema: z.ZodType): Node {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node;
}

/** The node at `keyPath` below `root`. The `type`s in `value`, the tree at `root`, select the members of unions. */
export function nodeAt(root: Node, value: unknown, keyPath: readonly PropertyKey[]): Node | undefined {
  let nodes: Node[] = [root];
  let here = value;
  for (const key of keyPath) {
    nodes = nodes.flatMap((node) => forms(node, here)).flatMap((node) => child(node, key) ?? []);
    here = (here as Record<PropertyKey, unknown> | null | undefined)?.[key];
  }
  return nodes[0];
}

/** The keys that an object `value` may have at `node`. */
export function keysAt(node: Node | undefined, value: unknown): string[] {
  return node ? forms(node, value).flatMap((form) => Object.keys(form.properties ?? {})) : [];
}

/** The `type`s of the union `node`. */
export function typesAt(node: Node | undefined): string[] {
  return (node?.oneOf ?? []).flatMap((member) => (member.properties?.type?.const as string | undefined) ?? []);
}

/** The node itself, or the members of its union that `value` may be. */
function forms(node: Node, value: unknown): Node[] {
  const members = node.oneOf ?? node.anyOf;
  if (!members) return [node];
  const type = (value as { type?: unknown } | null | undefined)?.type;
  return members.filter(({ properties }) => (properties?.type?.const ?? type) === type).flatMap((m) => forms(m, value));
}

function child({ properties, additionalProperties, prefixItems, items }: Node, key: PropertyKey): Node | undefined {
  if (typeof key === 'number') return prefixItems?.[key] ?? (items || undefined);
  const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  return properties?.[key as string] ?? others;
}
