import { Registry, type Typed } from '../registry.js';
import { cifar10 } from './cifar10.js';
import type { DataOptions, Dataset } from './dataset.js';
import { synthetic } from './synthetic.js';

const entries = [cifar10, synthetic];

/** The data sets that a config can name. `create` throws ClrError('data') where images are missing or damaged. */
export const datasets = new Registry<[DataOptions], Promise<Dataset>>('dataset', entries);

/**
 * Training images that a validated `dataset` of a config stands for, without loading any: for `cifar10` the official
 * 50,000 unless limited, whatever the archive at hand holds.
 */
export function trainSize(config: Typed): number {
  return entries.find(({ type }) => type === config.type)!.trainSize(config as never);
}
