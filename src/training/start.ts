import type { ExperimentConfig } from '../config/schema.js';
import type { Variable } from '../models/model.js';
import type { Environment } from '../runs/environment.js';
import { RunFolder } from '../runs/run-folder.js';
import { type Position, startPosition } from './position.js';
import { type ExperimentOptions, report } from './prepare.js';
import { restorePosition, resumedEnvironment } from './resume.js';

/** What a run folder is opened for. */
export interface RunToOpen {
  config: ExperimentConfig;
  /** All that a checkpoint holds; a resumed run gets their values from it. */
  variables: Variable[];
  environment: Environment;
  trainingImages: number;
}

/** An open folder, locked, with config.json and environment.json in it, and where its training stands. */
interface OpenRun {
  folder: RunFolder;
  position: Position;
}

/** A new run folder. */
export function startRun(options: ExperimentOptions, { config, environment }: RunToOpen): OpenRun {
  const folder = RunFolder.create(options, config);
  return opened(folder, () => {
    folder.writeJson('environment.json', environment);
    return startPosition();
  });
}

/** The folder of an earlier run, with the position and the values of its newest whole checkpoint. */
export function resumeRun(directory: string, { config, environment, variables, trainingImages }: RunToOpen): OpenRun {
  const folder = RunFolder.reopen(directory);
  return opened(folder, () => {
    const position = restorePosition(directory, config, trainingImages, variables, report);
    folder.writeJson('config.json', config);
    folder.writeJson('environment.json', resumedEnvironment(directory, environment, position, report));
    return position;
  });
}

/** Gives the folder back where it cannot be made ready. */
function opened(folder: RunFolder, prepare: () => Position): OpenRun {
  try {
    return { folder, position: prepare() };
  } catch (error) {
    folder.close();
    throw error;
  }
}
