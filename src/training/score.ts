import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import { checkpointFolder } from '../runs/run-folder.js';
import { type Evaluation, evaluate } from './evaluate.js';
import { backendAndData, type ExperimentOptions, prepareTraining, report } from './prepare.js';
import { hasOtherImages } from './resume.js';
import { type Parent, warmStart } from './warm-start.js';

/** The score of a checkpoint, and which checkpoint it was. */
export interface Score extends Evaluation, Parent {
  images: number;
}

/**
 * Loss and accuracy of a run's checkpoint (`last`, `best`, `previous`) on the validation images; `config`: the run's.
 * Throws ClrError('usage') if it has no such checkpoint, or the signal's reason.
 */
export async function scoreCheckpoint(
  run: string,
  config: ExperimentConfig,
  checkpoint: string,
  options: Pick<ExperimentOptions, 'data' | 'cacheDirectory' | 'runs' | 'signal' | 'verbose'>,
): Promise<Score> {
  const { backend, dataset } = await backendAndData(config, { ...options, resume: run });
  if (hasOtherImages(run, dataset))
    report(`${run} was trained on other images; these are normalised by their own mean and deviation`);
  const { model, validationBatches } = prepareTraining(config, dataset);
  const from = path.join(run, checkpointFolder, `${checkpoint}.safetensors`);
  if (!existsSync(from)) throw new ClrError('usage', `${run} has no checkpoint \`${checkpoint}\``);
  const parent = warmStart({ from, skip: [], freeze: [] }, model, options.runs);
  const { signal } = options;
  const epoch = Math.max(0, parent.epoch - 1); // the one that the checkpoint ends, counted from 0
  const evaluation = await evaluate(model, validationBatches(epoch), {
    ...(backend.stepsInFlight && { stepsInFlight: backend.stepsInFlight }),
    signal,
    repeat: backend.repeater?.(),
  });
  signal.throwIfAborted(); // only some of the batches were seen
  return { ...evaluation, ...parent, images: dataset.validation.labels.length };
}
