import { z } from 'zod';
import { entry } from '../registry.js';
import type { DataOptions } from './dataset.js';
import { type Download, downloaded } from './download.js';
import type { BinaryFormat, Layout } from './layout.js';
import { readSource } from './read-source.js';
import { type Limits, limited, limitOptions, trainedOn } from './subset.js';

/** Generous limits for both: a 32 x 32 image file is a few kB; they unpack to 184 MB (binary) or 250 MB (images). */
export function cifarLayout(binary: BinaryFormat): Layout {
  return { binary, size: { width: 32, height: 32 }, imageFileBytes: 1 << 20, archiveBytes: 1 << 30 };
}

/** One of Krizhevsky's two data sets, from the official binary files, image folders, or an archive of either. */
export function cifar(type: string, about: string, layout: Layout, download: Download) {
  return {
    ...entry({
      type,
      about,
      source: 'https://www.cs.toronto.edu/~kriz/cifar.html',
      options: z.object(limitOptions),
      async create(limits, data: DataOptions) {
        const path = data.path ?? (await downloaded(download, data));
        return limited(await readSource(type, layout, path, data), limits, data);
      },
    }),
    trainSize: (limits: Limits) => trainedOn(50_000, limits),
  };
}
