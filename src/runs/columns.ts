/** One column of a run's CSV files: every value is a number; `doc` says its unit. */
export interface Column {
  readonly type: 'integer' | 'real';
  readonly doc: string;
  /** The cell is empty if it was not measured, and is read as NaN. */
  readonly optional?: true;
}

/** metrics.csv, one row per epoch, in this order. */
export const metricsColumns = {
  epoch: { type: 'integer', doc: 'epochs done, from 1' },
  iteration: { type: 'integer', doc: 'updates done since the start of the run' },
  lr: { type: 'real', doc: "learning rate used by the epoch's last update" },
  momentum: { type: 'real', doc: "momentum (Adam: beta1) used by the epoch's last update" },
  train_loss: { type: 'real', doc: "mean cross-entropy in nats over the epoch's batches, while the weights changed" },
  train_acc: { type: 'real', doc: "accuracy over the epoch's batches, while the weights changed, in percent" },
  val_loss: { type: 'real', doc: 'mean cross-entropy in nats over the validation set, after the epoch' },
  val_acc: { type: 'real', doc: 'accuracy over the validation set, after the epoch, in percent' },
  seconds: { type: 'real', doc: 'wall time of this epoch, validation included, in seconds' },
  images_per_second: { type: 'real', doc: 'training images per second in this epoch, validation excluded' },
} as const satisfies Record<string, Column>;

/** iterations.csv, one row per update, in this order. */
export const iterationColumns = {
  iteration: { type: 'integer', doc: "the update's index in the run, from 0" },
  epoch: { type: 'integer', doc: 'the epoch that the update belongs to, from 1' },
  lr: { type: 'real', doc: 'learning rate used by this update' },
  momentum: { type: 'real', doc: 'momentum (Adam: beta1) used by this update' },
  loss: { type: 'real', doc: 'mean cross-entropy of the batch in nats, before the update' },
} as const satisfies Record<string, Column>;

/** Further columns of iterations.csv if gradients are float16. */
export const lossScaleColumns = {
  loss_scale: {
    type: 'real',
    doc: 'factor of the gradients; halved after an update that was skipped because they overflowed',
  },
} as const satisfies Record<string, Column>;

/** A diverged run may have measured NaN and infinities. */
export type MetricsRow = Record<keyof typeof metricsColumns, number>;

export type IterationRow = Record<keyof typeof iterationColumns, number> & { loss_scale?: number };
