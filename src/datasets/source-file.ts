import type { Member } from './members.js';

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
