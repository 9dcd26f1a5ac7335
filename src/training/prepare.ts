import type { ActiveBackend } from '../backends/backend.js';
import { useBackend } from '../backends/index.js';
import { type ExperimentConfig, runLength } from '../config/schema.js';
import { cyclicBatches, epochBatches, normalisations, validationBatches } from '../datasets/batches.js';
import type { Dataset } from '../datasets/dataset.js';
import { datasets } from '../datasets/index.js';
import { ClrError } from '../errors.js';
import { models } from '../models/index.js';
import type { Variable } from '../models/model.js';
import { optimizers } from '../optimizers/index.js';
import { randomStream } from '../random.js';
import { schedules } from '../schedules/index.js';
import type { Schedule } from '../schedules/schedule.js';
import { say } from '../terminal/say.js';
import { firstIteration } from './position.js';
import { recordedWays } from './resume.js';
import type { Training } from './train.js';
import { frozen } from './warm-start.js';

export interface ExperimentOptions {
  /** Where the images are; undefined: downloaded. */
  data?: string;
  cacheDirectory: string;
  /** The folder in which new run folders are made. */
  runs: string;
  /** The new run folder itself, instead of the next number in `runs`. */
  directory?: string;
  /** The folder of a run to resume, instead of starting a new one. */
  resume?: string;
  /** Resume a run that a process on another machine has locked. */
  takeOver?: boolean;
  /** Say why the backend was chosen, and the limits of its device. */
  verbose?: boolean;
  /** After this many epochs the run ends as `interrupted`, too. */
  untilEpoch?: number | undefined;
  /** When aborted, the run writes a checkpoint and ends as `interrupted`. */
  signal: AbortSignal;
}

/** What a config trains on: activates its backend and loads its images. */
export async function backendAndData(
  { backend: name, dataset, seed, ...options }: ExperimentConfig,
  {
    data: path,
    cacheDirectory,
    signal,
    verbose,
    resume,
  }: Pick<ExperimentOptions, 'data' | 'cacheDirectory' | 'signal' | 'verbose' | 'resume'>,
) {
  const ways = resume === undefined ? undefined : recordedWays(resume);
  const backend = await useBackend(name, { ...options, cacheDirectory, ways });
  const slow = backend.slow ? ' (slow; --verbose says why no faster one is used)' : '';
  report(`backend ${backend.name} on ${backend.device}, ${backend.precision}${slow}`);
  if (backend.shortfall) report(backend.shortfall);
  if (verbose) for (const line of [...backend.why, backend.limits ?? []].flat()) report(`  ${line}`);
  return { backend, dataset: await datasets.create(dataset, { path, cacheDirectory, seed, signal, report }) };
}

/** Prints a line to stderr. */
export const report = say;

/** Model, optimizer, schedule and batches of a config, with what the backend offers to make steps faster or safer. */
export function prepareTraining(
  config: ExperimentConfig,
  dataset: Dataset,
  { stepsInFlight, lossScale, warmUp, repeater }: Partial<ActiveBackend> = {},
): Training {
  const { imageShape, classNames, train } = dataset;
  const length = runLength(config, train.labels.length);
  const { crop } = config.augmentation;
  if (crop && crop.mode !== 'zero' && crop.pad >= Math.min(...imageShape.slice(0, 2)))
    throw new ClrError(
      'usage',
      `augmentation.crop.pad: images of ${imageShape[0]} x ${imageShape[1]} cannot be mirrored into ${crop.pad} pixels`,
      'use a smaller pad, or mode zero',
    );
  const random = randomStream(config.seed, 'init');
  const context = { inputShape: imageShape, classes: classNames.length, random, seed: config.seed };
  const schedule = schedules.create(config.schedule, length);
  refuseBeta1Of1(config, schedule, length.iterations);
  const model = frozen(models.create(config.model, context), config.init?.freeze ?? []);
  return {
    ...length,
    stopAfter: Math.min(length.iterations, config.max_iterations ?? Number.POSITIVE_INFINITY),
    labelSmoothing: config.label_smoothing,
    maxLoss: config.max_loss ?? 100 * Math.log(classNames.length), // guessing gives ln(classes)
    model,
    optimizer: optimizers.create(config.optimizer, model.parameters),
    schedule,
    ...batchesOf(config, dataset, length.iterationsPerEpoch),
    ...{ stepsInFlight, lossScale, warmUp, repeat: repeater?.(), repeatValidation: repeater?.() },
  };
}

/** Adam's bias correction divides by 1 - beta1. */
function refuseBeta1Of1({ optimizer }: ExperimentConfig, schedule: Schedule, iterations: number): void {
  if (!('cycle_beta1' in optimizer && optimizer.cycle_beta1)) return;
  for (let iteration = 0; iteration < iterations; iteration++)
    if (schedule(iteration).momentum === 1)
      throw new ClrError(
        'usage',
        `optimizer ${optimizer.type}: the schedule's momentum, its beta1, is 1 at iteration ${iteration}`,
        'keep the momentum below 1, or set optimizer.cycle_beta1 to false',
      );
}

function batchesOf(
  config: ExperimentConfig,
  { imageShape, train, validation }: Dataset,
  iterationsPerEpoch: number,
): Pick<Training, 'trainingBatches' | 'validationBatches'> {
  const { batch_size: batchSize, drop_last: dropLast, augmentation, seed } = config;
  const common = { imageShape, batchSize, augmentation, seed };
  const options = { ...common, normalisation: normalisations[config.normalisation](train, imageShape) };
  return {
    trainingBatches(epoch, firstBatch) {
      if (config.order === 'shuffled') return epochBatches({ ...options, split: train, dropLast, epoch, firstBatch });
      const [first, end] = [epoch, epoch + 1].map((e) => firstIteration(e, iterationsPerEpoch)) as [number, number];
      return cyclicBatches({ ...options, split: train, first: first + firstBatch, end });
    },
    validationBatches: (epoch) => validationBatches({ ...options, split: validation, epoch }),
  };
}

/** All that a checkpoint holds: weights, batch norm's statistics, optimizer state. */
export function variablesOf({ model, optimizer }: Pick<Training, 'model' | 'optimizer'>): Variable[] {
  return [...model.parameters, ...model.statistics, ...optimizer.state];
}
