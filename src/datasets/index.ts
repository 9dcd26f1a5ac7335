import { ClrError } from '../errors.js';
import { Registry, type Typed } from '../registry.js';
import { cifar10 } from './cifar10.js';
import { cifar100 } from './cifar100.js';
import type { DataOptions, Dataset } from './dataset.js';
import { images } from './images.js';
import { synthetic } from './synthetic.js';

const entries = [cifar10, cifar100, images, synthetic];

/** The data sets that a config can name. `create` throws ClrError('data') if images are missing or damaged. */
export const datasets = new Registry<[DataOptions], Promise<Dataset>>('dataset', entries);

/**
 * The number of training images of a validated `dataset`, without loading any: for `cifar10` and `cifar100` the
 * official 50,000 unless limited, whatever the archive holds. Throws ClrError('usage') if only the images can tell.
 */
export function trainSize(config: Typed): number {
  const size = entries.find(({ type }) => type === config.type)!.trainSize(config as never);
  if (size !== undefined) return size;
  const problem = `the number of training images of the data set "${config.type}" is unknown until they are read`;
  throw new ClrError(
    'usage',
    problem,
    'set dataset.train_limit; clr schedule takes the batches per epoch, too: --batches',
  );
}
