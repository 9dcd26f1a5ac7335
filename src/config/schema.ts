import { z } from 'zod';
import { augmentationSchema, batchesPerEpoch } from '../datasets/batches.js';
import { datasets } from '../datasets/index.js';
import { models } from '../models/index.js';
import { optimizers } from '../optimizers/index.js';
import { schedules } from '../schedules/index.js';
import { inputSchema } from './json-schema.js';

/** The types used where a config names none. */
export const defaultTypes = { dataset: { type: 'cifar10' }, model: { type: 'resnet' }, optimizer: { type: 'sgd' } };

const batchSize = z.int().min(1).max(65536);

const keys = z.strictObject({
  $schema: z.string().optional().describe('where an editor finds the JSON Schema'),
  name: z
    .string()
    .regex(/^[\w .,+=()-]{1,100}$/, 'must be 1 to 100 letters, digits, spaces or . , + = ( ) _ -')
    .default('unnamed')
    .describe("names the run in tables and charts; by default the file's name"),
  tags: z
    .array(z.string().regex(/^[\w.+-]{1,50}$/, 'must be 1 to 50 letters, digits or . + - _'))
    .max(20)
    .optional()
    .describe('words to find the run by: `clr ls --tag`'),
  source: z.string().max(1000).optional().describe('where the experiment comes from'),
  expected: z
    .strictObject({
      val_acc: z.number().min(0).max(100).optional().describe('validation accuracy, percent'),
      std: z.number().min(0).optional().describe('its standard deviation, percentage points'),
      n: z.int().min(1).optional().describe('runs behind both numbers'),
      diverges: z.boolean().optional().describe('whether the run diverged'),
      note: z.string().max(1000).optional().describe('what the numbers are of'),
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
    .describe('decides initial weights, shuffling, augmentation and subsets'),
  epochs: z.number().gt(0).max(100000).default(30).describe('passes over the training set; fractions allowed'),
  batch_size: batchSize.default(128).describe('images per update'),
  nominal_batch_size: batchSize
    .optional()
    .describe(
      'with the order fixed-cyclic: the batch size that epochs are counted by, for runs that differ in batch_size but not in their number of updates',
    ),
  drop_last: z.boolean().default(false).describe('drop the last batch of an epoch if it is not full'),
  order: z
    .enum(['shuffled', 'fixed-cyclic'])
    .default('shuffled')
    .describe(
      "of the training images; fixed-cyclic, Caffe's way: one random order read over and over, batches running on from pass to pass, so that an epoch is images / batch_size updates, fractions kept, and the run is cut to whole updates",
    ),
  normalisation: z
    .enum(['per-channel', 'mean-image'])
    .default('per-channel')
    .describe(
      "per-channel: zero mean and unit variance; mean-image, Caffe's way: pixels of 0 to 255 less the mean training image",
    ),
  max_iterations: z
    .int()
    .min(1)
    .optional()
    .describe('stop after this many updates; the schedule stays that of the whole run'),
  max_loss: z
    .number()
    .gt(0)
    .optional()
    .describe(
      'a training loss above it counts as divergence (by default 100 times that of guessing, ln(classes)); NaN and infinity always do',
    ),
  label_smoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('s: train towards (1 - s) of the label and s spread over all classes; validation losses have none'),
  backend: z.string().default('auto').describe('auto, or a name that `clr doctor` lists'),
  precision: z
    .enum(['f32', 'bf16', 'f16'])
    .optional()
    .describe(
      'of activations and convolutions; weights and updates are float32. By default f32, on a CUDA GPU under tensorflow with TF32',
    ),
  threads: z.int().min(1).max(1024).optional().describe('processor threads; by default all cores'),
  device: z.string().optional().describe('a device of the backend, where it has several: part of its name'),
  dataset: datasets.schema.prefault(defaultTypes.dataset).describe('images to train and validate on'),
  augmentation: augmentationSchema.prefault({}).describe('what happens to a training image each time it is used'),
  model: models.schema.prefault(defaultTypes.model).describe('the net'),
  init: z
    .strictObject({
      from: z.string().min(1).describe("a run's folder, for its last checkpoint, or a checkpoint"),
      skip: z
        .array(z.string())
        .default([])
        .describe('layers that keep fresh weights, such as head where the classes differ'),
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
      every_epochs: z.int().min(1).default(1).describe('epochs between two checkpoints'),
      every_iterations: z
        .int()
        .min(1)
        .optional()
        .describe('updates between two more, in addition to those at the end of epochs'),
      keep: z
        .int()
        .min(1)
        .max(100)
        .default(2)
        .describe('how many to keep: the last one and those before it, in addition to the best'),
    })
    .prefault({})
    .describe('when to write checkpoints'),
  log: z
    .strictObject({
      tensorboard: z.boolean().default(false).describe("TensorBoard's event file in the run folder"),
    })
    .prefault({})
    .describe('what to write for other programs while it trains'),
});

/** Everything that decides a run. Defaults live only here and in the options of each `type`. */
export const configSchema = keys
  .refine(({ order, drop_last }) => order === 'shuffled' || !drop_last, {
    path: ['drop_last'],
    error: 'an epoch in the order fixed-cyclic has no last batch to leave out: set it to false',
  })
  .refine(({ order, nominal_batch_size }) => order === 'fixed-cyclic' || nominal_batch_size === undefined, {
    path: ['nominal_batch_size'],
    error: 'needs the order fixed-cyclic: an epoch of shuffled images is a whole number of batches',
  });

export type ExperimentConfig = z.output<typeof configSchema>;

/** Updates per epoch (with the order fixed-cyclic, not always an integer) and in the whole run. */
export function runLength(
  config: Pick<ExperimentConfig, 'epochs' | 'batch_size' | 'nominal_batch_size' | 'drop_last' | 'order'>,
  trainingImages: number,
) {
  const { epochs, batch_size, drop_last } = config;
  if (config.order === 'fixed-cyclic') {
    const size = config.nominal_batch_size ?? batch_size;
    const iterations = Math.max(1, Math.floor((epochs * trainingImages) / size)); // as in Smith's job files
    return { iterationsPerEpoch: trainingImages / size, iterations };
  }
  const iterationsPerEpoch = batchesPerEpoch(trainingImages, batch_size, drop_last);
  return { iterationsPerEpoch, iterations: Math.max(1, Math.round(epochs * iterationsPerEpoch)) };
}

/** For editors, to complete and check config files. `extends` is only here: it is resolved before validation. */
export function configJsonSchema(): object {
  const schema = inputSchema(configSchema);
  const paths = {
    description: 'config files to merge over, in this order; relative to this file',
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
  };
  const { required, ...rest } = schema; // a file that extends another needs nothing of its own
  return { ...rest, title: 'clr experiment', properties: { extends: paths, ...schema.properties } };
}
