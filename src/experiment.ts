import { writeRunCharts } from './charts/run-charts.js';
import type { ExperimentConfig } from './config/schema.js';
import { describeEnvironment } from './runs/environment.js';
import { RunFolder } from './runs/run-folder.js';
import type { Summary } from './runs/summary.js';
import { startPosition } from './training/position.js';
import { backendAndData, type ExperimentOptions, prepareTraining, report } from './training/prepare.js';
import { recordTraining } from './training/record.js';
import { restorePosition, resumedEnvironment } from './training/resume.js';

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
