import { createHash } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClrError } from '../errors.js';
import { archiveFiles } from './archive.js';
import type { Layout } from './layout.js';
import { maxBytes, mayHoldMembers, memberOf } from './members.js';
import type { Source, SourceFile } from './source-file.js';

/** Opens the file or folder at `path` without reading any data. Throws ClrError('data') if it is not usable. */
export function openSource(path: string, layout: Layout): Source {
  const stats = statOf(path);
  const place = realpathSync(path);
  if (stats.isFile())
    return { identity: JSON.stringify([place, stamp(stats)]), files: () => archiveFiles(path, layout) };
  if (!stats.isDirectory())
    throw new ClrError('data', `${path} is neither a file nor a folder`, 'give --data an archive or a folder');
  const found = listFolder(path, layout);
  const list = createHash('sha256').update(JSON.stringify(found.map((file) => [file.path, stamp(file.stats)])));
  return {
    identity: JSON.stringify([place, found.length, list.digest('hex')]),
    files: async function* () {
      yield* found;
    },
  };
}

/** Every member below `folder`, sorted by path. Links are followed: the folder is the user's own. */
function listFolder(folder: string, layout: Layout, below = ''): (SourceFile & { stats: Stats })[] {
  return namesIn(join(folder, below)).flatMap((name) => {
    const path = below === '' ? name : `${below}/${name}`;
    const mayHold = mayHoldMembers(path);
    if (!memberOf(path, false, layout) && !(mayHold && existsSync(join(folder, path)))) return [];
    const stats = statOf(join(folder, path));
    const isDirectory = stats.isDirectory();
    const member = isDirectory || stats.isFile() ? memberOf(path, isDirectory, layout) : undefined;
    const found = member
      ? [{ path, member, stats, bytes: () => read(join(folder, path), maxBytes(member, layout), stats) }]
      : [];
    return isDirectory && mayHold ? [...found, ...listFolder(folder, layout, path)] : found;
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw unreadable(folder, error);
  }
}

async function read(file: string, limit: number, { size }: Stats): Promise<Buffer> {
  if (size <= limit)
    return readFile(file).catch((error) => {
      throw unreadable(file, error);
    });
  const message = `${file} has ${size} bytes, more than the limit of ${limit}`;
  throw new ClrError('data', message, 'does it belong to this data set?');
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): ClrError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const hint = 'set --data or CLR_DATA to an archive or a folder that can be read';
  return new ClrError('data', code === 'ENOENT' ? `${path} does not exist` : `${path}: ${message}`, hint, { cause });
}

function stamp({ size, mtimeMs }: Stats): number[] {
  return [size, mtimeMs];
}
