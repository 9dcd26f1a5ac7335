import { useBackend } from '../backends/index.js';
import { type ExperimentConfig, runLength } from '../config/schema.js';
import { epochBatches, normalisation, validationBatches } from '../datasets/batches.js';
import type { Dataset } from '../datasets/dataset.js';
import { datasets } from '../datasets/index.js';
import { ClrError } from '../errors.js';
import { models } from '../models/index.js';
import type { Variable } from '../models/model.js';
import { optimizers } from '../optimizers/index.js';
import { randomStream } from '../random.js';
import { schedules } from '../schedules/index.js';
import type { Training } from './train.js';

export interface ExperimentOptions {
  /** Where the images are; undefined: downloaded. */
  data?: string;
  cacheDirectory: string;
  /** New run folders are made in it. */
  runs: string;
  /** The new run folder itself, in place of the next number in `runs`. */
  directory?: string;
  /** The folder of a run to resume, in place of a new one. */
  resume?: string;
  /** Aborted: the run writes a checkpoint and ends as `interrupted`. */
  signal: AbortSignal;
}

/** What a config trains on: the backend, active from here on, and the images. */
export async function backendAndData(
  { backend: name, dataset, seed, ...options }: ExperimentConfig,
  { data: path, cacheDirectory }: Pick<ExperimentOptions, 'data' | 'cacheDirectory'>,
) {
  const backend = await useBackend(name, options);
  const limits = backend.limits ? `; ${backend.limits}` : '';
  report(`backend ${backend.name} on ${backend.device}, ${backend.precision} (${backend.why})${limits}`);
  return { backend, dataset: await datasets.create(dataset, { path, cacheDirectory, seed, report }) };
}

/** A line on stderr. */
export function report(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** Model, optimizer, schedule and batches, as the config says. */
export function prepareTraining(config: ExperimentConfig, dataset: Dataset): Training {
  const { imageShape, classNames, train: trainSplit, validation } = dataset;
  const { batch_size: batchSize, drop_last: dropLast, augmentation, seed } = config;
  const length = runLength(config, trainSplit.labels.length);
  if (length.iterationsPerEpoch === 0) {
    throw new ClrError(
      'usage',
      `batch_size ${batchSize} with drop_last leaves no batch of ${trainSplit.labels.length} images`,
    );
  }
  const common = { imageShape, batchSize, normalisation: normalisation(trainSplit, imageShape) };
  const random = randomStream(seed, 'init');
  const model = models.create(config.model, { inputShape: imageShape, classes: classNames.length, random });
  return {
    ...length,
    stopAfter: Math.min(length.iterations, config.max_iterations ?? Number.POSITIVE_INFINITY),
    maxLoss: config.max_loss ?? Number.POSITIVE_INFINITY,
    model,
    optimizer: optimizers.create(config.optimizer, model.parameters),
    schedule: schedules.create(config.schedule, length),
    trainingBatches: (epoch, firstBatch) =>
      epochBatches({ ...common, split: trainSplit, dropLast, augmentation, seed, epoch, firstBatch }),
    validationBatches: () => validationBatches({ ...common, split: validation }),
  };
}

/** All that a checkpoint holds: weights, batch norm's statistics, optimizer state. */
export function variablesOf({ model, optimizer }: Pick<Training, 'model' | 'optimizer'>): Variable[] {
  return [...model.parameters, ...model.statistics, ...optimizer.state];
}
