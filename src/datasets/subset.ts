import { z } from 'zod';
import { ClrError } from '../errors.js';
import { type Random, randomStream } from '../random.js';
import type { DataOptions, Dataset, Labels, Split } from './dataset.js';

const limit = (split: string) =>
  z.int().positive().optional().describe(`number of ${split} images, equally many per class; by default all`);

const holdout = z
  .int()
  .positive()
  .optional()
  .describe(
    'number of training images held out for validation in place of the test images: equally many per class, and the same ones for every seed; by default none',
  );

/** Options shared by the data sets that are read from files. */
export const limitOptions = { holdout, train_limit: limit('training'), val_limit: limit('validation') };

/** How many images of each split to take; undefined: all. */
export interface Limits {
  /** Training images to validate on instead of the test split. */
  holdout?: number | undefined;
  train_limit?: number | undefined;
  val_limit?: number | undefined;
}

/** How many of `images` training images are trained on. */
export const trainedOn = (images: number, { train_limit, holdout = 0 }: Limits) => train_limit ?? images - holdout;

/** A class-balanced part of a data set, the same for the same seed; a larger part contains a smaller one. */
export function limited(whole: Dataset, limits: Limits, { seed }: Pick<DataOptions, 'seed'>): Dataset {
  const dataset = limits.holdout === undefined ? whole : heldOut(whole, limits.holdout);
  const part = (split: Split, key: keyof Limits, index: number) => {
    const limit = limits[key];
    const count = split.labels.length;
    if (limit === undefined || limit === count) return split;
    if (limit > count)
      throw new ClrError(
        'usage',
        `${key} is ${limit}, but there are only ${count} images`,
        `set ${key} to ${count} or less`,
      );
    return take(split, balancedSubset(split.labels, limit, randomStream(seed, 'subset', index)));
  };
  return {
    ...dataset,
    train: part(dataset.train, 'train_limit', 0),
    validation: part(dataset.validation, 'val_limit', 1),
  };
}

/** Validates on `count` of the training images, which are taken out of training. */
function heldOut(dataset: Dataset, count: number): Dataset {
  const { labels } = dataset.train;
  if (count >= labels.length)
    throw new ClrError('usage', `holdout is ${count}, but there are only ${labels.length} training images`, 'lower it');
  const held = balancedSubset(labels, count, randomStream(0, 'holdout'));
  const isHeld = new Set(held);
  const rest = Int32Array.from(labels.keys()).filter((i) => !isHeld.has(i));
  return { ...dataset, train: take(dataset.train, rest), validation: take(dataset.train, held) };
}

/** `limit` indices in ascending order, equally many of each class as far as its images suffice. */
export function balancedSubset(labels: Labels, limit: number, random: Random): Int32Array {
  const byClass = new Map<number, number[]>();
  for (const i of random.permutation(labels.length)) {
    const members = byClass.get(labels[i]!);
    if (members) members.push(i);
    else byClass.set(labels[i]!, [i]);
  }
  const chosen: number[] = [];
  for (let round = 0; chosen.length < limit; round++)
    for (const members of byClass.values())
      if (round < members.length && chosen.length < limit) chosen.push(members[round]!);
  return Int32Array.from(chosen).sort();
}

function take({ images, labels }: Split, indices: Int32Array): Split {
  const size = images.length / labels.length;
  const taken = { images: new Uint8Array(indices.length * size), labels: labels.slice(0, indices.length) };
  indices.forEach((from, to) => {
    taken.images.set(images.subarray(from * size, (from + 1) * size), to * size);
    taken.labels[to] = labels[from]!;
  });
  return taken;
}
