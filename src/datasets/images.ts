import { z } from 'zod';
import { ClrError } from '../errors.js';
import { entry } from '../registry.js';
import type { DataOptions } from './dataset.js';
import type { Layout } from './layout.js';
import { readSource } from './read-source.js';
import { type Limits, limited, limitOptions } from './subset.js';

const layout: Layout = { imageFileBytes: 1 << 24, archiveBytes: 2 ** 31 };

/**
 * Your own images: train/<class>/ and test/<class>/ with PNG or JPEG files, all of one size, in a folder or an archive.
 * Any number of classes up to 65,536.
 */
export const images = {
  ...entry({
    type: 'images',
    about:
      'Your own images from --data: train/<class>/ and test/<class>/ with PNG or JPEG files, all of the same size.',
    options: z.object(limitOptions),
    async create(limits, data: DataOptions) {
      if (data.path === undefined) throw noPath();
      return limited(await readSource('images', layout, data.path, data), limits, data);
    },
  }),
  trainSize: ({ train_limit }: Limits) => train_limit,
};

function noPath(): ClrError {
  return new ClrError(
    'data',
    'the data set "images" needs a path',
    'name a folder or archive that holds train/<class>/*.png and test/<class>/*.png with --data or CLR_DATA',
  );
}
