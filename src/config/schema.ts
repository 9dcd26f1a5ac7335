import { z } from 'zod';
import { augmentationSchema, batchesPerEpoch } from '../datasets/batches.js';
import { datasets, trainSize } from '../datasets/index.js';
import { ClrError } from '../errors.js';
import { models } from '../models/index.js';
import { optimizers } from '../optimizers/index.js';
import { schedules } from '../schedules/index.js';
import type { RunLength } from '../schedules/schedule.js';
import { inputSchema } from './json-schema.js';

/** The types used where a config names none. */
export const defaultTypes = { dataset: { type: 'cifar10' }, model: { type: 'resnet' }, optimizer: { type: 'sgd' } };

const batchSize = z.int().min(1).max(65536);

const keys = z.strictObject({
  $schema: z.string().optional().describe('path of the JSON Schema, for editors'),
  name: z
    .string()
    .regex(/^[\w .,+=()-]{1,100}$/, 'must be 1 to 100 letters, digits, spaces or . , + = ( ) _ -')
    .default('unnamed')
    .describe("name of the run in tables and charts; by default the file's name"),
  tags: z
    .array(z.string().regex(/^[\w.+-]{1,50}$/, 'must be 1 to 50 letters, digits or . + - _'))
    .max(20)
    .optional()
    .describe('labels to find the run by, with `clr ls --tag`'),
  source: z.string().max(1000).optional().describe('where the experiment comes from'),
  expected: z
    .strictObject({
      val_acc: z.number().min(0).max(100).optional().describe('validation accuracy, percent'),
      std: z.number().min(0).optional().describe('its standard deviation, percentage points'),
      n: z.int().min(1).optional().describe('number of runs behind both'),
      diverges: z.boolean().optional().describe('whether the run diverged'),
      note: z.string().max(1000).optional().describe('what the numbers refer to'),
    })
    .optional()
    .describe('what the source reports'),
  varies: z
    .array(z.string().max(100))
    .max(20)
    .optional()
    .describe(
      'keys that differ between the repetitions of one arm, such as the seed: a comparison treats the repetitions as one row',
    ),
  seed: z
    .int()
    .min(0)
    .max(4294967295)
    .default(1)
    .describe('determines initial weights, shuffling, augmentation, dropout and subsets'),
  epochs: z.number().gt(0).max(100000).default(30).describe('passes over the training set; fractions allowed'),
  batch_size: batchSize.default(128).describe('images per update'),
  nominal_batch_size: batchSize
    .optional()
    .describe(
      'with order fixed-cyclic: the batch size by which epochs are counted, for runs that differ in batch_size but not in the number of updates',
    ),
  drop_last: z.boolean().default(false).describe('drop the last batch of an epoch if it is not full'),
  order: z
    .enum(['shuffled', 'fixed-cyclic'])
    .default('shuffled')
    .describe(
      'order of the training images; fixed-cyclic, as in Caffe: one random order, repeated, with batches that span passes, so an epoch is images / batch_size updates, not rounded, and the run is cut to whole updates',
    ),
  normalisation: z
    .enum(['per-channel', 'mean-image'])
    .default('per-channel')
    .describe(
      'per-channel: zero mean and unit variance; mean-image, as in Caffe: pixels of 0 to 255 minus the mean training image',
    ),
  max_iterations: z
    .int()
    .min(1)
    .optional()
    .describe('stop after this many updates; the schedule still spans the whole run'),
  max_loss: z
    .number()
    .gt(0)
    .optional()
    .describe(
      'a training loss above this counts as divergence (default: 100 times the loss of guessing, ln(classes)); NaN and infinity always do',
    ),
  label_smoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      's: the target is (1 - s) on the label plus s spread over all classes; validation losses are not smoothed',
    ),
  backend: z.string().default('auto').describe('auto, or a backend that `clr doctor` lists'),
  precision: z
    .enum(['f32', 'bf16', 'f16'])
    .optional()
    .describe(
      'precision of activations and convolutions; weights and updates are float32. Default: f32 (TF32 with tensorflow on a CUDA GPU)',
    ),
  threads: z.int().min(1).max(1024).optional().describe('processor threads; by default all cores'),
  device: z.string().optional().describe('device of the backend, if it has several: part of its name'),
  dataset: datasets.schema.prefault(defaultTypes.dataset).describe('images to train and validate on'),
  augmentation: augmentationSchema.prefault({}).describe('what happens to a training image each time it is used'),
  model: models.schema.prefault(defaultTypes.model).describe('the net'),
  init: z
    .strictObject({
      from: z.string().min(1).describe('a run folder, whose last checkpoint is used, or a checkpoint file'),
      skip: z
        .array(z.string())
        .default([])
        .describe('layers that start from fresh weights, such as head if the classes differ'),
      freeze: z
        .array(z.string())
        .default([])
        .describe('layers that are not trained: head, stage1, stage1.block2.conv1'),
    })
    .optional()
    .describe('warm start: the weights of another run; optimizer and schedule start afresh'),
  optimizer: optimizers.schema.prefault(defaultTypes.optimizer).describe('the update rule'),
  schedule: schedules.schema.describe('LR and momentum at each iteration; required'),
  checkpoint: z
    .strictObject({
      every_epochs: z
        .int()
        .min(1)
        .default(1)
        .describe('epochs between two checkpoints; the best epoch so far and the last one are always kept'),
      every_iterations: z
        .int()
        .min(1)
        .optional()
        .describe('updates between further checkpoints, in addition to those at the end of epochs'),
      keep: z
        .int()
        .min(1)
        .max(100)
        .default(2)
        .describe('number of checkpoints to keep: the last one and those before it, in addition to the best'),
    })
    .prefault({})
    .describe('how often checkpoints are written, and how many are kept'),
  log: z
    .strictObject({
      tensorboard: z.boolean().default(false).describe('write a TensorBoard event file into the run folder'),
    })
    .prefault({})
    .describe('output for other programs during training'),
});

/** Everything that decides a run. Defaults live only here and in the options of each `type`. */
export const configSchema = keys
  .refine(({ order, drop_last }) => order === 'shuffled' || !drop_last, {
    path: ['drop_last'],
    error: 'with order fixed-cyclic, an epoch has no last batch to drop: set it to false',
  })
  .refine(({ order, nominal_batch_size }) => order === 'fixed-cyclic' || nominal_batch_size === undefined, {
    path: ['nominal_batch_size'],
    error: 'needs order fixed-cyclic: an epoch of shuffled images is a whole number of batches',
  })
  .superRefine((config, context) => {
    const { message, hint } = scheduleProblem(config) ?? {};
    if (message) context.addIssue({ code: 'custom', path: ['schedule'], message, params: { hint } });
  });

export type ExperimentConfig = z.output<typeof configSchema>;

/** Why there is no such schedule for the length of the run; left to the run if that is unknown before images are read. */
function scheduleProblem(config: z.output<typeof keys>): ClrError | undefined {
  let length: RunLength;
  try {
    length = runLength(config, trainSize(config.dataset));
  } catch {
    return undefined;
  }
  try {
    schedules.create(config.schedule, length);
  } catch (error) {
    if (error instanceof ClrError) return error;
    throw error;
  }
  return undefined;
}

/**
 * Updates per epoch (with the order fixed-cyclic, not always an integer) and in the whole run. Throws ClrError('usage')
 * if an epoch has none.
 */
export function runLength(
  config: Pick<ExperimentConfig, 'epochs' | 'batch_size' | 'nominal_batch_size' | 'drop_last' | 'order'>,
  trainingImages: number,
) {
  const { epochs, batch_size, drop_last } = config;
  if (config.order === 'fixed-cyclic') {
    const { nominal_batch_size } = config;
    const size = nominal_batch_size ?? batch_size;
    const key = nominal_batch_size === undefined ? 'batch_size' : 'nominal_batch_size';
    if (size > trainingImages)
      throw new ClrError('usage', `${key} ${size} with order fixed-cyclic exceeds the ${trainingImages} images`);
    const iterations = Math.max(1, Math.floor((epochs * trainingImages) / size)); // as in Smith's job files
    return { iterationsPerEpoch: trainingImages / size, iterations };
  }
  const iterationsPerEpoch = batchesPerEpoch(trainingImages, batch_size, drop_last);
  if (iterationsPerEpoch === 0)
    throw new ClrError('usage', `batch_size ${batch_size} with drop_last leaves no batch of ${trainingImages} images`);
  return { iterationsPerEpoch, iterations: Math.max(1, Math.round(epochs * iterationsPerEpoch)) };
}

/** For editors, to complete and check config files. `extends` is only here: it is resolved before validation. */
export function configJsonSchema(): object {
  const schema = inputSchema(configSchema);
  const paths = {
    description: 'config files that this one is merged over, in this order; relative to this file',
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
  };
  const { required, ...rest } = schema; // a file that extends another needs nothing of its own
  return { ...rest, title: 'clr experiment', properties: { extends: paths, ...schema.properties } };
}
