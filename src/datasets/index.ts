import { Registry, type Typed } from '../registry.js';
import { cifar10 } from './cifar10.js';
import { synthetic } from './synthetic.js';

/** Images of one split, as bytes. */
export interface Split {
  /** [N, H, W, C], row by row, 0..255. */
  images: Uint8Array;
  /** [N], 0..classes-1. */
  labels: Uint8Array;
}

/** Everything a run trains and validates on; small enough to stay in memory (CIFAR-10: 184 MB). */
export interface Dataset {
  /** [H, W, C] of one image. */
  imageShape: [number, number, number];
  classNames: string[];
  train: Split;
  validation: Split;
}

/** Where images come from and go to, besides what the config says. */
export interface DataOptions {
  /** `--data` or CLR_DATA: a file or folder; undefined: download. */
  path?: string;
  /** Downloads and decoded images are kept here. */
  cacheDirectory: string;
  seed: number;
  /** Called with a line for the user, e.g. the progress of a download. */
  report(message: string): void;
}

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
