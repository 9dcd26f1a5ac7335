import path from 'node:path';
import { checkpointFolder } from '../runs/run-folder.js';
import { type Evaluation, evaluate } from './evaluate.js';
import { backendAndData, type ExperimentOptions, prepareTraining } from './prepare.js';
import { storedConfig } from './resume.js';
import { type Parent, warmStart } from './warm-start.js';

/** What a checkpoint scores, and which it was. */
export interface Score extends Evaluation, Parent {
  images: number;
}

/** Loss and accuracy of a run's checkpoint (`last`, `best`, `previous`) over the validation images, as the run's config has them. */
export async function scoreCheckpoint(
  run: string,
  checkpoint: string,
  options: Pick<ExperimentOptions, 'data' | 'cacheDirectory' | 'runs' | 'signal' | 'verbose'> & { backend?: string },
): Promise<Score> {
  const { device, threads, ...config } = storedConfig(run);
  const here = { ...config, backend: options.backend ?? 'auto' }; // the device was that of another machine, maybe
  const { backend, dataset } = await backendAndData(here, { ...options, resume: run });
  const { model, validationBatches } = prepareTraining(here, dataset);
  const from = path.join(run, checkpointFolder, `${checkpoint}.safetensors`);
  const parent = warmStart({ from, skip: [], freeze: [] }, model, options.runs);
  const { signal } = options;
  const evaluation = await evaluate(model, validationBatches(parent.epoch), {
    ...(backend.stepsInFlight && { stepsInFlight: backend.stepsInFlight }),
    signal,
    repeat: backend.repeater?.(),
  });
  return { ...evaluation, ...parent, images: dataset.validation.labels.length };
}
