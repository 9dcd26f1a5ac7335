import { writeRunCharts } from './charts/run-charts.js';
import type { ExperimentConfig } from './config/schema.js';
import { describeEnvironment } from './runs/environment.js';
import type { Summary } from './runs/summary.js';
import { backendAndData, type ExperimentOptions, prepareTraining, report, variablesOf } from './training/prepare.js';
import { recordTraining } from './training/record.js';
import { resumeRun, startRun } from './training/start.js';
import { warmStart } from './training/warm-start.js';

/** One run, from config to run folder. All checks are made before the folder is created. */
export async function runExperiment(
  config: ExperimentConfig,
  options: ExperimentOptions,
): Promise<{ directory: string; summary: Summary }> {
  const { backend, dataset } = await backendAndData(config, options);
  const training = prepareTraining(config, dataset, backend);
  const { stopAfter, iterations } = training;
  const { ways } = backend;
  const variables = variablesOf(training);
  const environment = describeEnvironment(backend, dataset);
  const { init } = config;
  const load = init && (() => warmStart(init, training.model, options.runs));
  const run = { config, variables, environment, trainingImages: dataset.train.labels.length, warmStart: load };

  const { folder, position } = options.resume ? resumeRun(options.resume, options, run) : startRun(options, run);
  const { directory } = folder;
  try {
    if (stopAfter < iterations) report(`max_iterations: stops after ${stopAfter} of ${iterations} iterations`);
    const from = options.resume ? `, from iteration ${position.iteration} of ${stopAfter}` : '';
    report(`run folder ${directory}${from}`);
    const { untilEpoch, signal } = options;
    const summary = await recordTraining({ config, training, variables, position, folder, ways, untilEpoch, signal });
    await writeRunCharts(directory);
    return { directory, summary };
  } finally {
    folder.close();
  }
}
