import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { ClrError } from '../errors.js';

type Content = string | Uint8Array | Iterable<string>;

const temporaryName = /\.[0-9a-f]{8}\.tmp$/;

/**
 * Replaces `file` whole or not at all: a temporary file beside it is written to its last byte, flushed and renamed. A link
 * of that name is replaced, not followed. `content` may come in pieces. `beforeRename` may put the old file elsewhere. (write-file-atomic 7 follows links, and takes a short write for a whole one.)
 */
export function replaceFile(file: string, content: Content, beforeRename?: () => void): void {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const descriptor = openSync(temporary, 'wx');
    try {
      const pieces = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
      for (const piece of pieces) writeFileSync(descriptor, piece); // goes on after a short write
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    beforeRename?.();
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error instanceof ClrError ? error : cannotWrite(file, error);
  }
}

/**
 * Like `mkdir -p`, which in Node never returns where a folder cannot be made below one that is there (/proc). Throws
 * ClrError('usage').
 */
export function makeFolders(directory: string): void {
  if (existsSync(directory)) return;
  makeFolders(path.dirname(directory));
  try {
    mkdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return; // another process has made it
    throw new ClrError('usage', `cannot make the folder ${directory}: ${(error as Error).message}`, 'name another one');
  }
}

/** Removes what processes that were killed while they replaced a file in `directory` have left. */
export function removeTemporaries(directory: string): void {
  for (const name of readdirSync(directory)) if (temporaryName.test(name)) rmSync(path.join(directory, name));
}

export function cannotWrite(file: string, cause: unknown): ClrError {
  const reason = (cause as Error).message;
  return new ClrError('failed', `cannot write ${file}: ${reason}`, 'look at the disk and the permissions', { cause });
}
