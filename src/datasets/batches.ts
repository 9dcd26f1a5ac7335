import { type Tensor1D, type Tensor4D, tensor1d } from '@tensorflow/tfjs-core';
import { ClrError } from '../errors.js';
import { type AssembleBatch, assembleBatch, planWidth } from '../ops/assemble-batch.js';
import { type Augmentation, cyclicPlan, epochPlan, validationPlan } from './augmentation.js';
import type { Dataset, Split } from './dataset.js';

export { type Augmentation, augmentationSchema } from './augmentation.js';

/** Maps a pixel to (pixel/255 - mean) / deviation - meanImage (see AssembleBatch). */
export type Normalisation = Pick<AssembleBatch, 'mean' | 'deviation' | 'meanImage'>;

/** The caller disposes `x` and `labels`. */
export interface Batch {
  /** [size, H, W, C], normalised. */
  x: Tensor4D;
  /** [size], class numbers as float32. */
  labels: Tensor1D;
  size: number;
}

interface Batching {
  split: Split;
  imageShape: Dataset['imageShape'];
  batchSize: number;
  normalisation: Normalisation;
}

/** Mean and population standard deviation of each channel over all images of a split. */
export function normalisation({ images }: Split, imageShape: Dataset['imageShape']): Normalisation {
  const channels = imageShape[2];
  const counts = Array.from({ length: channels }, () => new Float64Array(256));
  for (let i = 0; i < images.length; i += channels) for (let c = 0; c < channels; c++) counts[c]![images[i + c]!]!++;
  const pixels = images.length / channels;
  const average = (f: (byte: number) => number, count: Float64Array) =>
    count.reduce((sum, n, byte) => sum + n * f(byte), 0) / pixels;
  const mean = counts.map((count) => average((byte) => byte / 255, count));
  const deviation = counts.map((count, c) => Math.sqrt(average((byte) => (byte / 255 - mean[c]!) ** 2, count)));
  const constant = deviation.indexOf(0);
  if (constant >= 0)
    throw new ClrError('data', `channel ${constant} has the same value in every training image`, 'check the images');
  return { mean, deviation };
}

/** Pixels of 0..255 less the mean image of a split [H, W, C], in float32: Caffe's mean_file. */
export function meanImageNormalisation({ images, labels }: Split, imageShape: Dataset['imageShape']): Normalisation {
  const size = images.length / labels.length;
  const sums = new Float64Array(size);
  for (let i = 0; i < images.length; ) for (let p = 0; p < size; p++) sums[p]! += images[i++]!;
  const perChannel = (value: number) => new Array<number>(imageShape[2]).fill(value);
  return {
    mean: perChannel(0),
    deviation: perChannel(1 / 255),
    meanImage: Float32Array.from(sums, (sum) => sum / labels.length),
  };
}

/** The normalisations that a config can name. */
export const normalisations = { 'per-channel': normalisation, 'mean-image': meanImageNormalisation };

/** How many batches an epoch over `n` images has. */
export function batchesPerEpoch(n: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(n / batchSize) : Math.ceil(n / batchSize);
}

/** Options of both kinds of training batches. */
interface TrainingOptions extends Batching {
  augmentation: Augmentation;
  seed: number;
}

/**
 * The batches of one training epoch, shuffled and augmented by (seed, epoch) alone: starting at `firstBatch` gives the
 * same batches as going through all of them.
 */
export function* epochBatches(
  options: TrainingOptions & { dropLast: boolean; epoch: number; firstBatch?: number },
): Generator<Batch> {
  const { split, batchSize, dropLast, augmentation, firstBatch = 0 } = options;
  const count = split.labels.length;
  const plan = epochPlan(count, augmentation, options.seed, options.epoch);
  for (let b = firstBatch; b < batchesPerEpoch(count, batchSize, dropLast); b++)
    yield batch(options, rowsOf(plan, b, batchSize), augmentation.crop);
}

/**
 * The training batches `first` to `end` - 1 of a whole run that repeats one random order of its images, given by the
 * seed; a batch may span the end of one pass and the start of the next. Augmentation is drawn anew in each pass.
 */
export function* cyclicBatches(options: TrainingOptions & { first: number; end: number }): Generator<Batch> {
  const { split, batchSize, augmentation, seed, first, end } = options;
  const plan = cyclicPlan(split.labels.length, augmentation, seed);
  for (let b = first; b < end; b++) yield batch(options, plan(b * batchSize, batchSize), augmentation.crop);
}

/** All images in stored order, unchanged except for the mirroring of `flip_validation`, drawn from (seed, epoch). */
export function* validationBatches(options: TrainingOptions & { epoch: number }): Generator<Batch> {
  const count = options.split.labels.length;
  const plan = validationPlan(count, options.augmentation, options.seed, options.epoch);
  for (let b = 0; b < batchesPerEpoch(count, options.batchSize, false); b++)
    yield batch(options, rowsOf(plan, b, options.batchSize), null);
}

/** The rows of `plan` that make up batch `index`. */
function rowsOf(plan: Int32Array, index: number, batchSize: number): Int32Array {
  return plan.slice(index * batchSize * planWidth, (index + 1) * batchSize * planWidth);
}

function batch({ split, imageShape, normalisation }: Batching, plan: Int32Array, crop: Augmentation['crop']): Batch {
  const size = plan.length / planWidth;
  const labels = Float32Array.from({ length: size }, (_, n) => split.labels[plan[n * planWidth]!]!);
  const { pad, mode: padMode } = crop ?? ({ pad: 0, mode: 'zero' } as const);
  const x = assembleBatch({ images: split.images, imageShape, plan, pad, padMode, ...normalisation });
  return { x, labels: tensor1d(labels, 'float32'), size };
}
