/** What a file (or folder) inside a data set is, told from its place in it. `root` is the folder that it lies in, '' at the top. */
export type Member =
  | { kind: 'batch'; root: string; name: string }
  | { kind: 'class'; root: string; split: SplitName; className: string }
  | { kind: 'image'; root: string; split: SplitName; className: string };

/** The folder of a split; `test` is what runs validate on. */
export type SplitName = 'train' | 'test';

/** Bytes of an official batch: 10,000 images of one label and 3 x 32 x 32 values each. */
const batchBytes = 10_000 * (1 + 3 * 32 * 32);

/** The most bytes that a file of each kind may have: a 32 x 32 image is a few kB, whatever its metadata. */
export const maxBytes: Record<Member['kind'], number> = { batch: batchBytes, class: 0, image: 1 << 20 };

/** Undefined for everything that is no part of the data: read-me files, hidden files, deeper folders. */
export function memberOf(path: string, isDirectory: boolean): Member | undefined {
  const batch = /^(?:([^/]+)\/)?((?:data_batch_[1-5]|test_batch)\.bin|batches\.meta\.txt)$/.exec(path);
  if (batch && !isDirectory) return { kind: 'batch', root: batch[1] ?? '', name: batch[2]! };

  const place = /^(?:([^/]+)\/)?(train|test)\/([^/.][^/]*)(?:\/([^/.][^/]*))?$/.exec(path);
  if (!place) return undefined;
  const [, root = '', split, className, file] = place;
  const found = { root, split: split as SplitName, className: className! };
  if (file === undefined) return isDirectory ? { kind: 'class', ...found } : undefined;
  return !isDirectory && /\.(png|jpe?g)$/i.test(file) ? { kind: 'image', ...found } : undefined;
}

/** Whether a folder at `path` can hold members, so that a folder is not searched deeper than that. */
export function mayHoldMembers(path: string): boolean {
  return /^[^/]*$|^([^/]+\/)?(train|test)(\/[^/]+)?$/.test(path);
}
