import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { printable } from '../system/printable.js';
import { findRuns, type Skipped } from './find-runs.js';
import { tableName } from './finder-columns.js';
import { readJsonAs } from './read-run.js';
import { type Setting, settingsOf } from './read-runs.js';
import { type RunStatus, runStatus } from './status.js';

/** A run in a list of runs; its text is safe to print. */
export interface RunOverview {
  directory: string;
  name: string;
  tags: string[];
  seed: number;
  status: RunStatus;
  /** Epochs done. */
  epochs: number;
  /** Validation accuracy of the last epoch, percent; null: none yet. */
  val_acc: number | null;
  /** When summary.json (before the first epoch: config.json) was last written: the time of the last epoch. */
  changed: Date;
  settings: Record<string, Setting>;
}

const text = z.string().transform((value) => printable(value).slice(0, 100));
const configSchema = z.looseObject({ name: text, seed: z.number(), tags: z.array(text).default([]) });
const summarySchema = z.looseObject({
  epochs: z.number(),
  final: z.looseObject({ val_acc: z.number().nullable() }).nullable(),
});

/** Every run below `paths`, finished or not, in the order found; `skipped` names what is not a run. */
export function listRuns(paths: readonly string[]): { runs: RunOverview[]; skipped: Skipped[] } {
  const { directories, skipped } = findRuns(paths);
  const runs = directories.flatMap((directory) => {
    try {
      return [overview(directory)];
    } catch (error) {
      skipped.push({ path: printable(directory), reason: printable((error as Error).message) });
      return [];
    }
  });
  return { runs, skipped };
}

function overview(directory: string): RunOverview {
  if (existsSync(path.join(directory, tableName))) throw new Error('an LR range test, not a run');
  const config = readJsonAs(configSchema, directory, 'config.json');
  const { name, seed, tags } = config;
  const summary = changedAt(directory, 'summary.json');
  const { epochs, final } = summary ? readJsonAs(summarySchema, directory, 'summary.json') : { epochs: 0, final: null };
  return {
    directory,
    name,
    tags,
    seed,
    status: runStatus(directory),
    epochs,
    val_acc: final?.val_acc ?? null,
    changed: summary ?? changedAt(directory, 'config.json')!,
    settings: settingsOf(config),
  };
}

function changedAt(directory: string, file: string): Date | undefined {
  return statSync(path.join(directory, file), { throwIfNoEntry: false })?.mtime;
}
