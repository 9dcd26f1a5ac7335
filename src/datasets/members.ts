import { fileBytes, type Layout } from './layout.js';

/**
 * What a file (or folder) inside a data set is, judged by its path: an official binary file, a class folder or an
 * image. `root` is the folder that holds the data set, '' at the top.
 */
export type Member =
  | { kind: 'binary'; root: string; name: string }
  | { kind: 'class'; root: string; split: SplitName; className: string }
  | { kind: 'image'; root: string; split: SplitName; className: string };

/** The folder of a split; `test` is what runs validate on. */
export type SplitName = 'train' | 'test';

/** The most bytes that a member may have. */
export function maxBytes({ kind }: Member, { binary, imageFileBytes }: Layout): number {
  if (kind === 'binary') return fileBytes(binary!);
  return kind === 'image' ? imageFileBytes : 0;
}

/** Undefined for everything that is not part of the data: read-me files, hidden files, deeper folders. */
export function memberOf(path: string, isDirectory: boolean, { binary }: Layout): Member | undefined {
  const top = /^(?:([^/]+)\/)?([^/]+)$/.exec(path);
  if (top && !isDirectory && binary && isBinary(top[2]!, binary))
    return { kind: 'binary', root: top[1] ?? '', name: top[2]! };

  const place = /^(?:([^/]+)\/)?(train|test)\/([^/.][^/]*)(?:\/([^/.][^/]*))?$/.exec(path);
  if (!place) return undefined;
  const [, root = '', split, className, file] = place;
  const found = { root, split: split as SplitName, className: className! };
  if (file === undefined) return isDirectory ? { kind: 'class', ...found } : undefined;
  return !isDirectory && /\.(png|jpe?g)$/i.test(file) ? { kind: 'image', ...found } : undefined;
}

function isBinary(name: string, { trainFiles, testFile, namesFile }: NonNullable<Layout['binary']>): boolean {
  return [...trainFiles, testFile, namesFile].includes(name);
}

/** Whether a folder at `path` can hold members, so that the search goes no deeper than needed. */
export function mayHoldMembers(path: string): boolean {
  return /^[^/]*$|^([^/]+\/)?(train|test)(\/[^/]+)?$/.test(path);
}
