import { appendFileSync, closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { ClrError } from '../errors.js';
import { cannotWrite, makeFolders, removeTemporaries, replaceFile } from '../system/atomic.js';
import { type IterationRow, iterationColumns, type MetricsRow, metricsColumns } from './columns.js';
import { lockFolder } from './lock.js';
import { readText } from './read-run.js';

/** Below a run's folder. */
export const checkpointFolder = 'checkpoints';

/**
 * A run's folder, locked and open for writing: rows are appended as they come, every other file is replaced whole or not at
 * all. What cannot be written is a ClrError('failed') that names the file.
 */
export class RunFolder {
  /** From `openTables` on. */
  private tables: { metrics: Table; iterations: Table } | undefined;

  private constructor(
    readonly directory: string,
    private readonly unlock: () => void,
  ) {}

  /** A new one in `runs`. From its first file on, config.json, the run can be resumed. */
  static create({ runs, directory: named }: { runs: string; directory?: string }, config: object): RunFolder {
    const directory = named ?? makeRunDirectory(runs);
    if (named) makeNew(named);
    const folder = new RunFolder(directory, lockFolder(directory));
    folder.writeJson('config.json', config);
    mkdirSync(path.join(directory, checkpointFolder));
    return folder;
  }

  /** That of an earlier run, without what a killed process left. Throws ClrError when another process has it. */
  static reopen(directory: string): RunFolder {
    const unlock = lockFolder(directory);
    const checkpoints = path.join(directory, checkpointFolder);
    mkdirSync(checkpoints, { recursive: true });
    for (const folder of [directory, checkpoints]) removeTemporaries(folder);
    return new RunFolder(directory, unlock);
  }

  /** Opens the tables, and cuts off the rows that are not part of `position`: those after the checkpoint. */
  openTables({ epoch, iteration }: { epoch: number; iteration: number }): void {
    this.tables = {
      metrics: new Table(path.join(this.directory, 'metrics.csv'), metricsColumns, epoch),
      iterations: new Table(path.join(this.directory, 'iterations.csv'), iterationColumns, iteration),
    };
  }

  appendMetrics(row: MetricsRow): void {
    this.tables!.metrics.append(row);
  }

  appendIteration(row: IterationRow): void {
    this.tables!.iterations.append(row);
  }

  /** Rows must be on the disk before a checkpoint says that they are. */
  flush(): void {
    this.tables!.iterations.flush();
    this.tables!.metrics.flush();
  }

  /** config.json, environment.json, summary.json */
  writeJson(name: string, value: unknown): void {
    writeJson(this.directory, name, value);
  }

  close(): void {
    this.tables?.metrics.close();
    this.tables?.iterations.close();
    this.unlock();
  }
}

/** A CSV file that rows of numbers are appended to; the cell of a number that is undefined is empty. */
export class Table {
  private readonly descriptor: number;
  private readonly names: string[];

  /** Keeps the header and the first `rows` rows of what is there. */
  constructor(
    private readonly file: string,
    columns: object,
    rows: number,
  ) {
    this.names = Object.keys(columns);
    const header = stringify([this.names]);
    replaceFile(file, rows === 0 ? header : firstRows(file, header, rows));
    this.descriptor = openSync(file, 'a');
  }

  append(row: Record<string, number | undefined>): void {
    this.write(() => appendFileSync(this.descriptor, stringify([this.names.map((name) => row[name])])));
  }

  flush(): void {
    this.write(() => fsyncSync(this.descriptor));
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private write(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw cannotWrite(this.file, error);
    }
  }
}

/** What to type to resume a run. */
export function resumeCommand(directory: string): string {
  const needsNoQuotes = /^[\w./-]+$/.test(directory);
  return `clr run --resume ${needsNoQuotes ? directory : `'${directory.replaceAll("'", "'\\''")}'`}`;
}

/** Makes `<runs>/<n>` with the next free number; `mkdir` decides between processes that start at once. */
export function makeRunDirectory(runs: string): string {
  try {
    makeFolders(runs);
    const taken = readdirSync(runs).map((name) => (/^\d{1,15}$/.test(name) ? Number(name) : 0));
    for (let n = Math.max(0, ...taken) + 1; ; n++) {
      const directory = path.join(runs, String(n));
      if (tryMakeDirectory(directory)) return directory;
    }
  } catch (error) {
    if (error instanceof ClrError) throw error;
    const reason = (error as Error).message;
    throw new ClrError(
      'usage',
      `cannot make a run folder in ${runs}: ${reason}`,
      'name another folder with --runs DIR',
    );
  }
}

/** Throws ClrError('usage') if it exists. */
function makeNew(directory: string): void {
  makeFolders(path.dirname(directory));
  if (tryMakeDirectory(directory)) return;
  throw new ClrError('usage', `${directory} exists`, `resume it: ${resumeCommand(directory)}`);
}

/** A file that is replaced whole or not at all. */
export function writeJson(directory: string, name: string, value: unknown): void {
  replaceFile(path.join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
}

/** The header and the first `rows` rows of a CSV file; the last line may be half written, those before it are not. */
function firstRows(file: string, header: string, rows: number): string {
  const lines = readText(file).split('\n');
  if (lines.length < rows + 2 || `${lines[0]}\n` !== header)
    throw new ClrError('data', `${file} has fewer rows than the checkpoint, or other columns`, 'start a new run');
  return `${lines.slice(0, rows + 1).join('\n')}\n`;
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
