import { type ExperimentConfig, runLength } from '../config/schema.js';
import { trainSize } from '../datasets/index.js';
import { ClrError } from '../errors.js';

/** How long the runs of an arm are. */
export interface Length {
  epochs: number;
  /** Undefined: not known before the data are read. */
  iterations: number | undefined;
}

/**
 * Iterations of a run, or of its first `untilEpoch` epochs. Throws ClrError('usage') if the number is unknown before
 * the data are read.
 */
export function updates(config: ExperimentConfig, untilEpoch = Number.POSITIVE_INFINITY): number {
  const { iterations, iterationsPerEpoch } = runLength(config, trainSize(config.dataset));
  return Math.min(iterations, config.max_iterations ?? iterations, Math.ceil(untilEpoch * iterationsPerEpoch));
}

/** The length of a run, or of its first `untilEpoch` epochs, for progress display. */
export function lengthOf(config: ExperimentConfig, untilEpoch = Number.POSITIVE_INFINITY): Length {
  const epochs = Math.min(Math.ceil(config.epochs), untilEpoch);
  try {
    return { epochs, iterations: updates(config, untilEpoch) };
  } catch (error) {
    if (error instanceof ClrError) return { epochs, iterations: undefined };
    throw error;
  }
}
