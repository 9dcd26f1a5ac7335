import { appendFileSync, closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'csv-stringify/sync';
import { ClrError } from '../errors.js';
import {
  cannotWrite,
  makeFolder,
  makeFolders,
  removeTemporaries,
  replaceFile,
  replaceSmallFile,
} from '../system/atomic.js';
import { lockFolder } from '../system/lock.js';
import { type IterationRow, iterationColumns, lossScaleColumns, type MetricsRow, metricsColumns } from './columns.js';
import { EventFile, epochPrefix, type Hyperparameters } from './event-file.js';
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
  private board: EventFile | undefined;
  private environment: { ways?: Readonly<Record<string, string>> } = {};

  private constructor(
    readonly directory: string,
    private readonly unlock: () => void,
  ) {}

  /** A new one in `runs`. From its first file on, config.json, the run can be resumed. */
  static create({ runs, directory: named }: { runs: string; directory?: string }, config: object): RunFolder {
    const directory = named === undefined ? makeRunDirectory(runs) : makeNamed(named);
    return RunFolder.prepared(directory, lockFolder(directory), () => {
      writeJson(directory, 'config.json', config);
      makeFolders(path.join(directory, checkpointFolder));
    });
  }

  /** That of an earlier run, without what a killed process left. Throws ClrError when another process has it. */
  static reopen(directory: string, { takeOver = false } = {}): RunFolder {
    return RunFolder.prepared(directory, lockFolder(directory, { takeOver }), () => {
      const checkpoints = path.join(directory, checkpointFolder);
      makeFolders(checkpoints);
      for (const folder of [directory, checkpoints]) removeTemporaries(folder);
    });
  }

  /** Releases the lock where the folder cannot be made ready. */
  private static prepared(directory: string, unlock: () => void, prepare: () => void): RunFolder {
    try {
      prepare();
      return new RunFolder(directory, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /**
   * Opens the tables, and cuts off the rows that are not part of `position`: those after the checkpoint. With `board` also
   * TensorBoard's event file.
   */
  openTables(
    { epoch, iteration, sums, lossScale }: Standing,
    board?: { name: string; settings: Hyperparameters },
  ): void {
    const scaled = { ...iterationColumns, ...lossScaleColumns };
    const columns = lossScale ? scaled : iterationColumns;
    this.tables = {
      metrics: new Table(path.join(this.directory, 'metrics.csv'), metricsColumns, epoch),
      iterations: new Table(path.join(this.directory, 'iterations.csv'), columns, iteration, [
        iterationColumns,
        scaled,
      ]),
    };
    if (!board) return;
    const validated = !sums?.images; // else the validation after so many updates is still to come
    const kept = (step: number, ofEpoch: boolean) => step < iteration || (ofEpoch && step === iteration && validated);
    this.board = new EventFile(this.directory, board.name, board.settings, kept);
  }

  appendMetrics(row: MetricsRow): void {
    this.tables!.metrics.append(row);
    const { epoch, iteration, lr, momentum, ...measured } = row; // LR and momentum come with each update
    this.board?.scalars(iteration, prefixed(epochPrefix, measured));
  }

  appendIteration(row: IterationRow): void {
    this.tables!.iterations.append(row);
    const { iteration, epoch, ...used } = row;
    this.board?.scalars(iteration, prefixed('iteration/', used));
  }

  /** Rows must be on the disk before a checkpoint says that they are. */
  flush(): void {
    this.tables!.iterations.flush();
    this.tables!.metrics.flush();
    this.board?.flush();
  }

  writeConfig(config: object): void {
    writeJson(this.directory, 'config.json', config);
  }

  /** environment.json */
  writeEnvironment(environment: object): void {
    writeJson(this.directory, 'environment.json', environment);
    this.environment = environment;
  }

  /** The ways of computing that were chosen since; they must be known before a checkpoint that they led to. */
  noteWays(ways: Record<string, string>): void {
    if (!isDeepStrictEqual(this.environment.ways ?? {}, ways)) this.writeEnvironment({ ...this.environment, ways });
  }

  writeSummary(summary: { status: string }): void {
    writeSummary(this.directory, summary);
    if (['completed', 'diverged', 'interrupted'].includes(summary.status))
      this.board?.end(summary.status === 'completed');
  }

  /** predictions.bin */
  writeBytes(name: string, bytes: Uint8Array): void {
    replaceFile(path.join(this.directory, name), bytes);
  }

  close(): void {
    this.tables?.metrics.close();
    this.tables?.iterations.close();
    this.board?.close();
    this.unlock();
  }
}

/** Only what was measured. */
function prefixed(prefix: string, row: Record<string, number | undefined>): Record<string, number> {
  const known = Object.entries(row).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([key, value]) => [prefix + key, value]));
}

/** Of a run's position, what its tables depend on. */
interface Standing {
  epoch: number;
  iteration: number;
  sums?: { images: number };
  /** Whether gradients are float16: iterations.csv has a column more then. */
  lossScale?: boolean;
}

/** A CSV file that rows of numbers are appended to; the cell of a number that is undefined is empty. */
export class Table {
  private readonly descriptor: number;
  private readonly names: string[];
  /** Bytes of the whole rows. */
  private size: number;

  /** Keeps the header, which may be that of `others` too, and the first `rows` rows of what is there. */
  constructor(
    private readonly file: string,
    columns: object,
    rows: number,
    others: object[] = [columns],
  ) {
    const text = rows === 0 ? headerOf(columns) : firstRows(file, others.map(headerOf), rows);
    this.names = text.slice(0, text.indexOf('\n')).split(',');
    replaceFile(file, text);
    this.descriptor = openSync(file, 'a');
    this.size = fstatSync(this.descriptor).size;
  }

  /** A row that does not fit on the disk leaves nothing of itself. */
  append(row: Record<string, number | undefined>): void {
    const line = stringify([this.names.map((name) => row[name])]);
    this.write(() => {
      try {
        appendFileSync(this.descriptor, line);
        this.size += line.length; // ASCII
      } catch (error) {
        ftruncateSync(this.descriptor, this.size);
        throw error;
      }
    });
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
  makeFolders(runs);
  try {
    const taken = readdirSync(runs).map((name) => (/^\d{1,15}$/.test(name) ? Number(name) : 0));
    for (let n = Math.max(0, ...taken) + 1; ; n++) {
      const directory = path.join(runs, String(n));
      if (makeFolder(directory)) return directory;
    }
  } catch (error) {
    const cause = error instanceof ClrError ? error.cause : error;
    const message = `cannot make a run folder in ${runs}: ${(cause as Error).message}`;
    throw new ClrError('usage', message, 'name another folder with --runs DIR', { cause });
  }
}

/** Throws ClrError('usage') if it exists. */
function makeNamed(directory: string): string {
  makeFolders(path.dirname(directory));
  if (makeFolder(directory)) return directory;
  throw new ClrError('usage', `${directory} exists`, `resume it: ${resumeCommand(directory)}`);
}

/** A file of a run folder or sweep folder, replaced whole or not at all. */
export function writeJson(directory: string, name: string, value: unknown): void {
  replaceFile(path.join(directory, name), jsonText(value));
}

/** summary.json, which says how a run ended even where the disk is full. */
export function writeSummary(directory: string, summary: object): void {
  replaceSmallFile(path.join(directory, 'summary.json'), jsonText(summary));
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const headerOf = (columns: object) => stringify([Object.keys(columns)]);

/** The header and the first `rows` rows of a CSV file; the last line may be half written, those before it are not. */
function firstRows(file: string, headers: string[], rows: number): string {
  const lines = readText(file).split('\n');
  if (lines.length < rows + 2 || !headers.includes(`${lines[0]}\n`))
    throw new ClrError('data', `${file} has fewer rows than the checkpoint, or other columns`, 'start a new run');
  return `${lines.slice(0, rows + 1).join('\n')}\n`;
}
