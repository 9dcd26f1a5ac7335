import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
} from 'node:fs';
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
import { quoted } from '../system/shell.js';
import { type IterationRow, iterationColumns, lossScaleColumns, type MetricsRow, metricsColumns } from './columns.js';
import { EventFile, epochPrefix, type Hyperparameters } from './event-file.js';
import { readText } from './read-run.js';

/** The folder of checkpoints in a run's folder. */
export const checkpointFolder = 'checkpoints';

/**
 * A run's folder, locked and open for writing: rows are appended as they come, every other file is replaced atomically.
 * A failed write throws ClrError('failed') that names the file.
 */
export class RunFolder {
  /** Set by `openTables`. */
  private tables: { metrics: Table; iterations: Table } | undefined;
  private board: EventFile | undefined;
  private environment: { ways?: Readonly<Record<string, string>> } = {};

  private constructor(
    readonly directory: string,
    private readonly unlock: () => void,
  ) {}

  /** Makes a new folder in `runs`. As soon as it has its first file, config.json, the run can be resumed. */
  static create({ runs, directory: named }: { runs: string; directory?: string }, config: object): RunFolder {
    const directory = named === undefined ? makeRunDirectory(runs) : makeNamed(named);
    return RunFolder.prepared(directory, lockFolder(directory), () => {
      writeJson(directory, 'config.json', config);
      makeFolders(path.join(directory, checkpointFolder));
    });
  }

  /** Opens an earlier run's folder, removes what a killed process left. Throws ClrError if another process holds it. */
  static reopen(directory: string, { takeOver = false } = {}): RunFolder {
    return RunFolder.prepared(directory, lockFolder(directory, { takeOver }), () => {
      const checkpoints = path.join(directory, checkpointFolder);
      makeFolders(checkpoints);
      for (const folder of [directory, checkpoints]) removeTemporaries(folder);
    });
  }

  /** Releases the lock if the folder cannot be prepared. */
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
   * Opens the tables, and cuts off the rows after the checkpoint, whose position is given. With `board` also opens
   * TensorBoard's event file.
   */
  openTables(
    { epoch, iteration, sums, lossScale }: TablePosition,
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
    const validated = !sums?.images; // else the validation after this many updates is still to come
    const kept = (step: number, ofEpoch: boolean) => step < iteration || (ofEpoch && step === iteration && validated);
    this.board = new EventFile(this.directory, board.name, board.settings, kept);
  }

  appendMetrics(row: MetricsRow): void {
    this.tables!.metrics.append(row);
    const { epoch, iteration, lr, momentum, ...measured } = row; // LR and momentum are written with each update
    this.board?.scalars(iteration, prefixed(epochPrefix, measured));
  }

  appendIteration(row: IterationRow): void {
    this.tables!.iterations.append(row);
    const { iteration, epoch, ...used } = row;
    this.board?.scalars(iteration, prefixed('iteration/', used));
  }

  /** Rows must be on the disk before a checkpoint that counts them. */
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

  /** Records the ways of computing chosen since; they must be on the disk before a checkpoint computed with them. */
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

/** Leaves out what was not measured. */
function prefixed(prefix: string, row: Record<string, number | undefined>): Record<string, number> {
  const known = Object.entries(row).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([key, value]) => [prefix + key, value]));
}

/** The part of a run's position that its tables depend on. */
interface TablePosition {
  epoch: number;
  iteration: number;
  sums?: { images: number };
  /** Whether gradients are float16: iterations.csv then has one more column. */
  lossScale?: boolean;
}

/** A CSV file that rows of numbers are appended to; an undefined number leaves its cell empty. */
export class Table {
  private readonly descriptor: number;
  private readonly names: string[];
  /** Bytes of the complete rows. */
  private size: number;

  /** Keeps the header, which may be that of one of `others`, and the first `rows` rows of an existing file. */
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

  /** If a row does not fit on the disk, no part of it remains. */
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

/** The command that resumes a run. */
export function resumeCommand(directory: string): string {
  return `clr run --resume ${quoted([directory])}`;
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
  const hint = existsSync(path.join(directory, 'config.json'))
    ? `resume it: ${resumeCommand(directory)}`
    : 'name another folder';
  throw new ClrError('usage', `${directory} already exists`, hint);
}

/** Replaces a JSON file of a run folder or sweep folder atomically. */
export function writeJson(directory: string, name: string, value: unknown): void {
  replaceFile(path.join(directory, name), jsonText(value));
}

/** Writes summary.json, which says how a run ended even if the disk is full. */
export function writeSummary(directory: string, summary: object): void {
  replaceSmallFile(path.join(directory, 'summary.json'), jsonText(summary));
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const headerOf = (columns: object) => stringify([Object.keys(columns)]);

/** The header and the first `rows` rows of a CSV file; only the last line may be incomplete. */
function firstRows(file: string, headers: string[], rows: number): string {
  const lines = readText(file).split('\n');
  if (lines.length < rows + 2 || !headers.includes(`${lines[0]}\n`))
    throw new ClrError('data', `${file} has fewer rows than the checkpoint, or different columns`, 'start a new run');
  return `${lines.slice(0, rows + 1).join('\n')}\n`;
}
