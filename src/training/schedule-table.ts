import { type ExperimentConfig, runLength } from '../config/schema.js';
import { trainSize } from '../datasets/index.js';
import type { IterationRow } from '../runs/columns.js';
import { schedules } from '../schedules/index.js';
import { epochOf } from './position.js';

/** LR and momentum at each iteration of a run, without training or data; `batches` per epoch, if not the data set's. */
export function* scheduleRows(config: ExperimentConfig, batches?: number): Generator<Omit<IterationRow, 'loss'>> {
  const images = batches === undefined ? trainSize(config.dataset) : batches * config.batch_size;
  const { iterations, iterationsPerEpoch } = runLength(config, images);
  const schedule = schedules.create(config.schedule, { iterations, iterationsPerEpoch });
  for (let iteration = 0; iteration < iterations; iteration++)
    yield { iteration, epoch: epochOf(iteration, iterationsPerEpoch) + 1, ...schedule(iteration) };
}
