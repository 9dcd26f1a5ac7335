import { type ActiveBackend, useBackend } from './backends/index.js';
import { writeRunCharts } from './charts/run-charts.js';
import { type ExperimentConfig, runLength } from './config.js';
import { epochBatches, normalisation, validationBatches } from './datasets/batches.js';
import { type Dataset, datasets } from './datasets/index.js';
import { describeEnvironment } from './environment.js';
import { ClrError } from './errors.js';
import { models, type Variable } from './models/index.js';
import { optimizers } from './optimizers/index.js';
import { progressReport } from './progress.js';
import { randomStream } from './random.js';
import { loadCheckpoint, saveCheckpoint } from './results/checkpoint.js';
import { RunFolder, type Summary, summarise } from './results/run-folder.js';
import { schedules } from './schedules/index.js';
import { type Position, startPosition, type Training, train } from './train.js';

export interface ExperimentOptions {
  /** Where the images are; undefined: downloaded. */
  data?: string;
  cacheDirectory: string;
  /** New run folders are made in it. */
  runs: string;
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
  const report = (message: string) => void process.stderr.write(`${message}\n`);
  const backend = await useBackend(config.backend, config);
  report(`backend ${backend.name} on ${backend.device}, ${backend.precision} (${backend.why})`);
  const data = { path: options.data, cacheDirectory: options.cacheDirectory, seed: config.seed, report };
  const dataset = await datasets.create(config.dataset, data);
  const training = prepareTraining(config, dataset);
  const variables: Variable[] = [
    ...training.model.parameters,
    ...training.model.statistics,
    ...training.optimizer.state,
  ];

  const position = options.resume ? loadCheckpoint(options.resume, variables, report) : startPosition();
  const folder = options.resume
    ? RunFolder.reopen(options.resume, position)
    : startFolder(options.runs, config, backend);
  report(`run folder ${folder.directory}`);
  const summary = await trainIntoFolder(config, training, variables, position, folder, options.signal);
  await writeRunCharts(folder.directory);
  return { directory: folder.directory, summary };
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

function startFolder(runs: string, config: ExperimentConfig, backend: ActiveBackend): RunFolder {
  const folder = RunFolder.create(runs);
  folder.writeJson('config.json', config);
  folder.writeJson('environment.json', describeEnvironment(backend));
  return folder;
}

/** Trains, writing rows, checkpoints and the summary as it goes; whatever ends it, the summary says so. */
async function trainIntoFolder(
  config: ExperimentConfig,
  training: Training,
  variables: Variable[],
  position: Position,
  folder: RunFolder,
  signal: AbortSignal,
): Promise<Summary> {
  const progress = progressReport({ iterations: training.stopAfter, epochs: config.epochs }, position.iteration);
  const { every_epochs: everyEpochs, every_iterations: everyIterations = Number.POSITIVE_INFINITY } = config.checkpoint;
  const save = () => saveCheckpoint(folder.directory, variables, position);
  const conclude = (status: Summary['status'], message?: string): Summary => {
    const summary = summarise(position, status, message);
    folder.writeJson('summary.json', summary);
    return summary;
  };
  try {
    conclude('running');
    const rows = train(training, position, {
      signal,
      onIteration(row) {
        folder.appendIteration(row);
        progress.iteration(row, position.sums.images / position.sums.trainSeconds);
        if (position.iteration % everyIterations === 0 && Number.isFinite(row.loss)) return save();
      },
    });
    for await (const row of rows) {
      folder.appendMetrics(row);
      progress.epoch(row);
      conclude('running');
      const ends = position.iteration >= training.stopAfter;
      if (ends || position.best === position.last || row.epoch % everyEpochs === 0) await save();
    }
    if (position.iteration >= training.stopAfter && position.sums.images === 0) return conclude('completed');
    await save();
    return conclude('interrupted', `stopped after ${position.iteration} iterations`);
  } catch (error) {
    const diverged = error instanceof ClrError && error.kind === 'diverged';
    conclude(diverged ? 'diverged' : 'failed', (error as Error).message);
    if (diverged) await writeRunCharts(folder.directory);
    throw error;
  } finally {
    progress.stop();
    folder.close();
  }
}
