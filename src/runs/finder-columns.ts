import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Column } from './columns.js';
import { readTable } from './read-run.js';

/** lr-finder.csv, one row per update, in this order; a run folder with this file is an LR finder's. */
export const finderColumns = {
  curve: { type: 'integer', doc: 'number of the combination of momentum, weight decay and batch size, from 1' },
  momentum: { type: 'real', doc: 'momentum (Adam: beta1), constant' },
  weight_decay: { type: 'real', doc: 'weight decay of the optimizer' },
  batch_size: { type: 'integer', doc: 'images per batch' },
  seed: { type: 'integer', doc: 'seed of the initial weights, shuffling and augmentation' },
  iteration: { type: 'integer', doc: 'index of the update in its curve and seed, from 0' },
  lr: { type: 'real', doc: 'learning rate used by this update' },
  loss: { type: 'real', doc: 'mean cross-entropy of the batch in nats, before the update' },
  smoothed: { type: 'real', doc: "the loss's debiased exponential moving average, beta 0.98" },
  val_loss: { type: 'real', doc: 'mean cross-entropy of one validation batch, after the update', optional: true },
  val_acc: { type: 'real', doc: 'accuracy on one validation batch, after the update, in percent', optional: true },
} as const satisfies Record<string, Column>;

/** `val_loss` and `val_acc` are NaN (empty cells) if they were not measured. */
export type FinderRow = Record<keyof typeof finderColumns, number>;

/** The table in an LR finder's run folder. */
export const tableName = 'lr-finder.csv';

/** Why a range test is not read as a run. */
export const finderReason = 'an LR range test, not a run';

/** Whether the run folder is that of an LR finder. */
export function isFinder(directory: string): boolean {
  return existsSync(path.join(directory, tableName));
}

/** The rows of a run folder's lr-finder.csv. Throws ClrError('data') if it is missing or malformed. */
export function readFinderRows(directory: string): FinderRow[] {
  return readTable(path.join(directory, tableName), finderColumns) as FinderRow[];
}
