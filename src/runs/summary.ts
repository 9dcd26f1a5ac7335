export interface Score {
  epoch: number;
  /** Percent. */
  val_acc: number;
  val_loss: number;
}

/** summary.json */
export interface Summary {
  status: 'running' | 'completed' | 'diverged' | 'interrupted' | 'failed';
  /** Why it did not complete. */
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
  /** Training images a second over these epochs, validation excluded. */
  images_per_second: number | null;
}
