import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClrError } from '../errors.js';
import type { DataOptions } from './index.js';

/** The official archive in the cache directory. */
export async function officialArchive({ cacheDirectory }: DataOptions): Promise<string> {
  const file = join(cacheDirectory, 'cifar-10-binary.tar.gz');
  if (
    await stat(file).then(
      () => true,
      () => false,
    )
  )
    return file;
  throw new ClrError(
    'data',
    'no CIFAR-10 images named',
    'name the official archive or image folders with --data PATH or CLR_DATA',
  );
}
