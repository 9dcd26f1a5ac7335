export interface Score {
  epoch: number;
  /** Percent. */
  val_acc: number;
  /** Nats: the mean cross-entropy. */
  val_loss: number;
}

/** summary.json */
export interface Summary {
  /** `stopped`: by its sweep, which will not resume it (successive halving). */
  status: 'running' | 'completed' | 'diverged' | 'stopped' | 'interrupted' | 'failed';
  /** Why it did not complete, or not the whole schedule. */
  message?: string | undefined;
  /** Updates done. */
  iterations: number;
  /** Epochs done. */
  epochs: number;
  /** The last epoch's scores. */
  final: Score | null;
  /** Those of the epoch with the highest validation accuracy. */
  best: Score | null;
  /** Wall time of the epochs done. */
  seconds: number;
  /** Training images per second over these epochs, validation excluded. */
  images_per_second: number | null;
}

/**
 * Returns the result of `work`. If it throws, `conclude` writes the summary that says so, and the error is rethrown; an
 * error in `conclude` itself, such as a full disk, is only reported: the first error is the one that counts.
 */
export async function withSummary<Result>(
  work: () => Promise<Result>,
  conclude: (error: Error) => void | Promise<void>,
  report: (message: string) => void,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    try {
      await conclude(error as Error);
    } catch (further) {
      report((further as Error).message);
    }
    throw error;
  }
}
