import { useBackend } from './backends/index.js';
import { writeRunCharts } from './charts/run-charts.js';
import { type ExperimentConfig, runLength } from './config/schema.js';
import { epochBatches, normalisation, validationBatches } from './datasets/batches.js';
import { type Dataset, datasets } from './datasets/index.js';
import { ClrError } from './errors.js';
import { models } from './models/index.js';
import { optimizers } from './optimizers/index.js';
import { randomStream } from './random.js';
import { describeEnvironment } from './runs/environment.js';
import { RunFolder, type Summary } from './runs/run-folder.js';
import { schedules } from './schedules/index.js';
import { recordTraining } from './training/record.js';
import { restorePosition, resumedEnvironment } from './training/resume.js';
import { startPosition, type Training } from './training/train.js';

export interface ExperimentOptions {
  /** Where the images are; undefined: downloaded. */
  data?: string;
  cacheDirectory: string;
  /** New run folders are made in it. */
  runs: string;
  /** The new run folder itself, in place of the next number in `runs`. */
  directory?: string;
  /** The folder of a run to go on with, in place of a new one. */
  resume?: string;
  /** Aborted: the run writes a checkpoint and ends as `interrupted`. */
  signal: AbortSignal;
}

/** One run, from config to run folder. All checks come before the folder is made. */
export async function runExperiment(
  config: ExperimentConfig,
  options: ExperimentOptions,
): Promise<{ directory: string; summary: Summary }> {
  const { backend, dataset } = await backendAndData(config, options);
  const training = { ...prepareTraining(config, dataset), stepsInFlight: backend.stepsInFlight };
  const { model, optimizer } = training;
  const variables = [...model.parameters, ...model.statistics, ...optimizer.state];

  const { resume, signal } = options;
  const folder = resume ? RunFolder.reopen(resume) : RunFolder.create(options, config);
  const { directory } = folder;
  try {
    const environment = describeEnvironment(backend);
    const position = resume
      ? restorePosition(directory, config, dataset.train.labels.length, variables, report)
      : startPosition();
    if (resume) folder.writeJson('config.json', config);
    folder.writeJson(
      'environment.json',
      resume ? resumedEnvironment(directory, environment, position, report) : environment,
    );
    const { stopAfter, iterations } = training;
    if (stopAfter < iterations) report(`max_iterations: stops after ${stopAfter} of ${iterations} iterations`);
    report(`run folder ${directory}${resume ? `, from iteration ${position.iteration} of ${training.stopAfter}` : ''}`);
    const summary = await recordTraining({ config, training, variables, position, folder, signal });
    await writeRunCharts(directory);
    return { directory, summary };
  } finally {
    folder.close();
  }
}

/** What a config trains on: the backend, at work from here on, and the images. */
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
