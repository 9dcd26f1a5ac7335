import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'csv-stringify/sync';
import writeFileAtomic from 'write-file-atomic';
import { ClrError } from '../errors.js';
import type { Position, Score } from '../train.js';
import { type IterationRow, iterationColumns, type MetricsRow, metricsColumns } from './metrics.js';

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

export function summarise(position: Position, status: Summary['status'], message?: string): Summary {
  const { iteration: iterations, epoch: epochs, last: final, best, totals } = position;
  const images_per_second = epochs > 0 ? totals.images / totals.trainSeconds : null;
  return { status, message, iterations, epochs, final, best, seconds: totals.seconds, images_per_second };
}

/** A run's folder, open for writing: rows are appended as they come, every other file is replaced whole or not at all. */
export class RunFolder {
  private readonly metrics: number;
  private readonly iterations: number;

  private constructor(readonly directory: string) {
    this.metrics = this.openTable('metrics.csv', metricsColumns);
    this.iterations = this.openTable('iterations.csv', iterationColumns);
  }

  static create(runs: string): RunFolder {
    return new RunFolder(makeRunDirectory(runs));
  }

  /** Goes on with a run: rows after `position` are cut off. */
  static reopen(directory: string, position: { epoch: number; iteration: number }): RunFolder {
    keepRows(path.join(directory, 'metrics.csv'), position.epoch);
    keepRows(path.join(directory, 'iterations.csv'), position.iteration);
    return new RunFolder(directory);
  }

  appendMetrics(row: MetricsRow): void {
    writeSync(this.metrics, stringify([Object.keys(metricsColumns).map((c) => row[c as keyof MetricsRow])]));
  }

  appendIteration(row: IterationRow): void {
    writeSync(this.iterations, stringify([Object.keys(iterationColumns).map((c) => row[c as keyof IterationRow])]));
  }

  /** config.json, environment.json, summary.json */
  writeJson(name: string, value: unknown): void {
    writeJson(this.directory, name, value);
  }

  close(): void {
    closeSync(this.metrics);
    closeSync(this.iterations);
  }

  private openTable(name: string, columns: object): number {
    const descriptor = openSync(path.join(this.directory, name), 'a+');
    const empty = readFileSync(descriptor).length === 0;
    if (empty) writeSync(descriptor, stringify([Object.keys(columns)]));
    return descriptor;
  }
}

/** Makes `<runs>/<n>` with the next free number; `mkdir` decides between processes that start at once. */
export function makeRunDirectory(runs: string): string {
  try {
    mkdirSync(runs, { recursive: true });
    const taken = readdirSync(runs).map((name) => (/^\d+$/.test(name) ? Number(name) : 0));
    for (let n = Math.max(0, ...taken) + 1; ; n++) {
      const directory = path.join(runs, String(n));
      if (tryMakeDirectory(directory)) return directory;
    }
  } catch (error) {
    const reason = (error as Error).message;
    throw new ClrError(
      'usage',
      `cannot make a run folder in ${runs}: ${reason}`,
      'name another folder with --runs DIR',
    );
  }
}

/** A file that is replaced whole or not at all. */
export function writeJson(directory: string, name: string, value: unknown): void {
  writeFileAtomic.sync(path.join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
}

/** Keeps the header and the first `rows` rows of a CSV file, whose rows are all complete up to there. */
function keepRows(file: string, rows: number): void {
  const lines = readFileSync(file, 'utf8').split('\n');
  if (lines.length < rows + 2) {
    throw new ClrError(
      'failed',
      `${file} has fewer rows than its checkpoint says`,
      'the run cannot go on; start it anew',
    );
  }
  writeFileAtomic.sync(file, `${lines.slice(0, rows + 1).join('\n')}\n`);
}

function tryMakeDirectory(directory: string): boolean {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
