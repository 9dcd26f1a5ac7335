import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import type { Variable } from '../models/model.js';
import type { Environment } from '../runs/environment.js';
import { readJson } from '../runs/read-run.js';
import { RunFolder } from '../runs/run-folder.js';
import { type Position, startPosition } from './position.js';
import { type ExperimentOptions, report } from './prepare.js';
import { refuseOtherImages, restorePosition, resumedEnvironment } from './resume.js';
import type { Parent } from './warm-start.js';

/** What it takes to open a run folder. */
export interface RunToOpen {
  config: ExperimentConfig;
  /** All that a checkpoint holds; a resumed run gets their values from it. */
  variables: Variable[];
  environment: Environment;
  trainingImages: number;
  /** Gives the model the weights that `init` asks for. */
  warmStart?: (() => Parent) | undefined;
}

/** An open, locked folder with config.json and environment.json in it, and the state of its training. */
interface OpenRun {
  folder: RunFolder;
  position: Position;
}

/** Makes a new run folder. */
export function startRun(options: ExperimentOptions, { config, environment, warmStart }: RunToOpen): OpenRun {
  const init = warmStart?.();
  const folder = RunFolder.create(options, config);
  return opened(folder, () => {
    folder.writeEnvironment({ ...environment, init });
    return startPosition();
  });
}

/** Opens the folder of an earlier run, with the position and the values of its newest intact checkpoint. */
export function resumeRun(
  directory: string,
  { takeOver }: Pick<ExperimentOptions, 'takeOver'>,
  run: RunToOpen,
): OpenRun {
  const { config, environment, variables, trainingImages } = run;
  const folder = RunFolder.reopen(directory, { takeOver });
  return opened(folder, () => {
    refuseOtherImages(directory, environment.images);
    const again = () => startAgain(directory, run);
    const position = restorePosition(directory, config, trainingImages, variables, report, again);
    folder.writeConfig(config);
    folder.writeEnvironment(resumedEnvironment(directory, environment, position, report));
    return position;
  });
}

/** For a run that was killed before its first checkpoint: it must start again from the same weights. */
function startAgain(directory: string, { warmStart }: RunToOpen): void {
  const parent = warmStart?.();
  if (!parent || !existsSync(path.join(directory, 'environment.json'))) return;
  const { init } = readJson(directory, 'environment.json') as { init?: Parent };
  if (init?.sha256 === parent.sha256) return;
  const problem = `${parent.checkpoint} has changed since ${directory} started from it: its checksum differs`;
  throw new ClrError('data', problem, 'start a new run');
}

/** Closes the folder again if it cannot be prepared. */
function opened(folder: RunFolder, prepare: () => Position): OpenRun {
  try {
    return { folder, position: prepare() };
  } catch (error) {
    folder.close();
    throw error;
  }
}
