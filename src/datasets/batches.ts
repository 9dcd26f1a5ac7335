import { type Tensor1D, type Tensor4D, tensor1d } from '@tensorflow/tfjs-core';
import { ClrError } from '../errors.js';
import { assembleBatch, type PadMode, planWidth } from '../ops/assemble-batch.js';
import { type Augmentation, epochPlan, fixedPlan } from './augmentation.js';
import type { Dataset, Split } from './dataset.js';

export { type Augmentation, augmentationSchema } from './augmentation.js';

/** Per channel, of pixel values scaled to 0..1. */
export interface Normalisation {
  mean: number[];
  deviation: number[];
}

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

/** How many batches an epoch over `n` images has. */
export function batchesPerEpoch(n: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(n / batchSize) : Math.ceil(n / batchSize);
}

/**
 * The batches of one training epoch, shuffled and augmented by (seed, epoch) alone: starting at `firstBatch` gives the
 * same batches as going through all of them.
 */
export function* epochBatches(
  options: Batching & {
    dropLast: boolean;
    augmentation: Augmentation;
    seed: number;
    epoch: number;
    firstBatch?: number;
  },
): Generator<Batch> {
  const { split, batchSize, dropLast, augmentation, firstBatch = 0 } = options;
  const count = split.labels.length;
  const plan = epochPlan(count, augmentation, options.seed, options.epoch);
  const { pad, mode } = augmentation.crop ?? noCrop;
  for (let b = firstBatch; b < batchesPerEpoch(count, batchSize, dropLast); b++)
    yield batch(options, plan, b, pad, mode);
}

/** All images in their own order, as they are. */
export function* validationBatches(options: Batching): Generator<Batch> {
  const count = options.split.labels.length;
  const plan = fixedPlan(count);
  for (let b = 0; b < batchesPerEpoch(count, options.batchSize, false); b++)
    yield batch(options, plan, b, noCrop.pad, noCrop.mode);
}

const noCrop = { pad: 0, mode: 'zero' } as const;

function batch(options: Batching, plan: Int32Array, index: number, pad: number, padMode: PadMode): Batch {
  const { split, imageShape, batchSize, normalisation } = options;
  const rows = plan.slice(index * batchSize * planWidth, (index + 1) * batchSize * planWidth);
  const size = rows.length / planWidth;
  const labels = Float32Array.from({ length: size }, (_, n) => split.labels[rows[n * planWidth]!]!);
  const x = assembleBatch({ images: split.images, imageShape, plan: rows, pad, padMode, ...normalisation });
  return { x, labels: tensor1d(labels, 'float32'), size };
}
