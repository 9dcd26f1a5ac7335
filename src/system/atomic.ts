import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { ClrError } from '../errors.js';

type Content = string | Uint8Array | Iterable<string>;

/** The name of what remains if the process is killed while it replaces a file. */
export const temporaryName = /\.[0-9a-f]{8}\.tmp$/;

export interface Replacement {
  /** The file whose mode and owner the new one gets; undefined: those of any new file. */
  like?: Stats | undefined;
  /** Called when the new file is on the disk; may move the old one away. */
  beforeRename?: () => void;
}

/**
 * Replaces `file` atomically: a temporary file beside it is written completely, flushed and renamed, and the folder is
 * flushed too, or a power cut could undo the renaming. A link of that name is replaced, not followed. `content` may
 * come in pieces. (write-file-atomic 7 follows links, and takes a short write for a complete one.)
 */
export function replaceFile(file: string, content: Content, { like, beforeRename }: Replacement = {}): void {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const descriptor = openSync(temporary, 'wx');
    try {
      for (const piece of pieces(content)) writeFileSync(descriptor, piece); // continues after a short write
      if (like) copyRights(like, descriptor);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    beforeRename?.();
    renameSync(temporary, file);
    flushFolder(path.dirname(file));
  } catch (error) {
    removeIfPossible(temporary);
    throw error instanceof ClrError ? error : cannotWrite(file, error);
  }
}

/**
 * Replaces a small file that must be updated even on a full disk: if there is no room for a second one, the text is
 * written over the old one in place, in one piece, which needs no further block.
 */
export function replaceSmallFile(file: string, text: string): void {
  try {
    replaceFile(file, text);
  } catch (error) {
    const { code } = (error as ClrError).cause as NodeJS.ErrnoException;
    if (!['ENOSPC', 'EDQUOT'].includes(code ?? '') || !existsSync(file)) throw error;
    overwrite(file, text);
  }
}

/** JSON may end in spaces: they overwrite the rest of a longer old text. */
function overwrite(file: string, text: string): void {
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, Buffer.from(text.padEnd(statSync(file).size)), 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a file that the user has named, and makes its folder if it is missing. A regular file is replaced atomically
 * and keeps its mode, its owner and links to it; a device, a pipe or an open descriptor is written in place.
 */
export function writeOutput(file: string, content: Content): void {
  makeFolders(path.resolve(path.dirname(file)));
  try {
    const target = behindLinks(file);
    const like = statSync(target, { throwIfNoEntry: false });
    if (like?.isDirectory()) throw new ClrError('usage', `${file} is a folder`, 'name a file to write');
    const replaceable = !isDescriptor(target) && (!like || like.isFile());
    if (replaceable) replaceFile(target, content, { like });
    else writeInto(target, content);
  } catch (error) {
    throw error instanceof ClrError ? error : cannotWrite(file, error);
  }
}

/** A file behind a descriptor is appended to, so that it continues after a shell's redirection. */
function writeInto(target: string, content: Content): void {
  const descriptor = openSync(target, statSync(target).isFile() ? 'a' : 'w');
  try {
    for (const piece of pieces(content)) writeFileSync(descriptor, piece);
  } finally {
    closeSync(descriptor);
  }
}

/** The path at the end of a chain of links, whether or not it exists; a descriptor of a process ends the chain too. */
function behindLinks(file: string): string {
  const here = path.join(realpathSync(path.dirname(file)), path.basename(file));
  if (isDescriptor(here) || !lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink()) return here;
  statSync(here, { throwIfNoEntry: false }); // throws if the links form a loop
  return behindLinks(path.resolve(path.dirname(here), readlinkSync(here)));
}

/** Such as /proc/self/fd/1, which /dev/stdout leads to. */
function isDescriptor(file: string): boolean {
  return /^\/proc\/.*\/fd\/\d+$/.test(file);
}

function pieces(content: Content): Iterable<string | Uint8Array> {
  return typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
}

function copyRights({ mode, uid, gid }: Stats, descriptor: number): void {
  try {
    fchownSync(descriptor, uid, gid);
  } catch {
    // only root may change an owner; whoever replaces another user's file owns the new one
  }
  fchmodSync(descriptor, mode & 0o7777);
}

/** Makes the names in a folder durable; some network file systems do not support it. */
export function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Like `mkdir -p`, which in Node never returns if a folder cannot be made below one that exists (/proc). Throws
 * ClrError('usage').
 */
export function makeFolders(directory: string): void {
  if (existsSync(directory)) return;
  makeFolders(path.dirname(directory));
  makeFolder(directory);
}

/** Whether this process made it; false if it exists already. Throws ClrError('usage'). */
export function makeFolder(directory: string): boolean {
  try {
    mkdirSync(directory);
    flushFolder(path.dirname(directory));
    return true;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new ClrError('usage', `cannot make the folder ${directory}: ${message}`, 'name another one', { cause });
  }
}

/** Removes the temporary files of processes that were killed while replacing a file in `directory`. */
export function removeTemporaries(directory: string): void {
  for (const name of readdirSync(directory)) if (temporaryName.test(name)) rmSync(path.join(directory, name));
}

/** For what is harmless if it remains: an error here must not hide the one that led here. */
export function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // it may be read-only by now
  }
}

/** The error for a failed write. */
export function cannotWrite(file: string, cause: unknown): ClrError {
  const reason = (cause as Error).message;
  return new ClrError('failed', `cannot write ${file}: ${reason}`, 'check the disk and the permissions', { cause });
}
