import { type ExperimentConfig, runLength } from '../config/schema.js';
import { trainSize } from '../datasets/index.js';
import { ClrError } from '../errors.js';

/** How long the runs of an arm are. */
export interface Length {
  epochs: number;
  /** Undefined: not known before the data are read. */
  iterations: number | undefined;
}

/** Iterations of a run of the config. Throws ClrError('usage') where that is not known before the data are read. */
export function updates(config: ExperimentConfig): number {
  const { iterations } = runLength(config, trainSize(config.dataset));
  return Math.min(iterations, config.max_iterations ?? Number.POSITIVE_INFINITY);
}

/** Of a run of the config, for its progress. */
export function lengthOf(config: ExperimentConfig): Length {
  const epochs = Math.ceil(config.epochs);
  try {
    return { epochs, iterations: updates(config) };
  } catch (error) {
    if (error instanceof ClrError) return { epochs, iterations: undefined };
    throw error;
  }
}
