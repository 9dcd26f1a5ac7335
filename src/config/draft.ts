/** A mapping of keys, before validation. */
export type Tree = { [key: string]: unknown };

/** A config before validation. */
export interface Draft {
  tree: Tree;
  /** Where each key was set: `schedule.max_lr` -> `file:line`, or the flag. */
  origin: Map<string, string>;
  /** Objects replaced by one of another `type`: `schedule` -> both types. */
  replaced: Map<string, { was: string; by: string }>;
}

/** A draft of `tree` in which nothing has been replaced yet. */
export function draftOf(tree: Tree, origin: [string, string][] = []): Draft {
  return { tree, origin: new Map(origin), replaced: new Map() };
}

/**
 * Merges `over` into `draft`. Objects are merged key by key; one with another `type` replaces the whole object, since
 * its options differ; null removes an inherited key.
 */
export function mergeDraft(draft: Draft, over: Draft): Draft {
  draft.tree = mergeTrees(draft, draft.tree, over.tree, '');
  for (const [key, where] of over.origin) draft.origin.set(key, where);
  return draft;
}

function mergeTrees(draft: Draft, base: Tree, over: Tree, prefix: string): Tree {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = base[key];
    const at = prefix + key;
    if (value === null && below !== undefined) {
      delete merged[key]; // RFC 7396, JSON Merge Patch
      forget(draft, at);
    } else if (!isTree(value) || !isTree(below)) merged[key] = value;
    else if (value.type === undefined || value.type === below.type)
      merged[key] = mergeTrees(draft, below, value, `${at}.`);
    else {
      merged[key] = value;
      forget(draft, at);
      draft.replaced.set(at, { was: nameOf(below.type), by: nameOf(value.type) });
    }
  }
  return merged;
}

/** Drops what is recorded about `key`, whose value has been removed or replaced. */
function forget({ origin, replaced }: Draft, key: string): void {
  for (const other of origin.keys()) if (other === key || other.startsWith(`${key}.`)) origin.delete(other);
  replaced.delete(key);
}

/** An object of keys, not a list. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A type as it is written; not even a string, if the config is wrong. */
const nameOf = (type: unknown) => (typeof type === 'string' ? type : describe(type));

/** A value in an error message: its JSON, truncated if long. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === undefined) return 'empty';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
