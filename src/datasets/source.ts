import { createHash } from 'node:crypto';
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClrError } from '../errors.js';
import { archiveFiles } from './archive.js';
import { type Member, maxBytes, mayHoldMembers, memberOf } from './members.js';

/** A file (or class folder) of a data set; `path` is relative to the source, with '/'. */
export interface SourceFile {
  path: string;
  member: Member;
  bytes(): Promise<Buffer>;
}

/** A folder or archive with a data set in it. */
export interface Source {
  /** Changes whenever the content may have changed. */
  identity: string;
  files(): AsyncIterable<SourceFile>;
}

/** Looks at what lies at `path`, without reading it. Throws ClrError('data') when nothing usable is there. */
export function openSource(path: string): Source {
  const stats = statOf(path);
  const place = realpathSync(path);
  if (stats.isFile()) return { identity: JSON.stringify([place, stamp(stats)]), files: () => archiveFiles(path) };
  if (!stats.isDirectory())
    throw new ClrError('data', `${path} is neither a file nor a folder`, 'give --data an archive or a folder');
  const found = listFolder(path);
  const list = createHash('sha256').update(JSON.stringify(found.map((file) => [file.path, stamp(file.stats)])));
  return {
    identity: JSON.stringify([place, found.length, list.digest('hex')]),
    files: async function* () {
      yield* found;
    },
  };
}

/** Every member below `folder`, sorted by path. Links are followed: the folder is the user's own. */
function listFolder(folder: string, below = ''): (SourceFile & { stats: Stats })[] {
  return readdirSync(join(folder, below))
    .sort()
    .flatMap((name) => {
      const path = below === '' ? name : `${below}/${name}`;
      if (!mayHoldMembers(path) && !memberOf(path, false)) return [];
      const stats = statOf(join(folder, path));
      const isDirectory = stats.isDirectory();
      const member = isDirectory || stats.isFile() ? memberOf(path, isDirectory) : undefined;
      const found = member ? [{ path, member, stats, bytes: () => read(join(folder, path), member, stats) }] : [];
      return isDirectory && mayHoldMembers(path) ? [...found, ...listFolder(folder, path)] : found;
    });
}

async function read(file: string, { kind }: Member, { size }: Stats): Promise<Buffer> {
  if (size <= maxBytes[kind]) return readFile(file);
  const message = `${file} has ${size} bytes, more than the ${maxBytes[kind]} possible`;
  throw new ClrError('data', message, 'is it a file of this data set?');
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : (error as Error).message;
    const hint = 'give --data or CLR_DATA an archive or a folder that can be read';
    throw new ClrError('data', `${path} ${reason}`, hint, { cause: error });
  }
}

function stamp({ size, mtimeMs }: Stats): number[] {
  return [size, mtimeMs];
}
