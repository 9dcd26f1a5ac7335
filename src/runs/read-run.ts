import { lstatSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type { z } from 'zod';
import { ClrError } from '../errors.js';
import { heapIsNearlyFull, outOfMemory } from '../system/heap.js';
import { type Column, type IterationRow, iterationColumns, type MetricsRow, metricsColumns } from './columns.js';

const maxTableBytes = 1 << 27; // a million iterations are some 60 MB
const maxJsonBytes = 1 << 22; // environment.json grows with each resumption, sweep.json with each run
const maxRowBytes = 10_000;
const rowsBetweenLooks = 10_000; // between two checks of the heap: some MB

/** The rows of a run's metrics.csv. Throws ClrError('data') if it is missing or malformed. */
export function readMetrics(directory: string): MetricsRow[] {
  return readTable(path.join(directory, 'metrics.csv'), metricsColumns) as MetricsRow[];
}

/** The rows of a run's iterations.csv. Throws ClrError('data') if it is missing or malformed. */
export function readIterations(directory: string): IterationRow[] {
  return readTable(path.join(directory, 'iterations.csv'), iterationColumns) as IterationRow[];
}

/**
 * A row per update or, in a folder kept without iterations.csv, per epoch: its last update, with the epoch's mean loss.
 * `note` says so.
 */
export function readUpdates(directory: string): { updates: IterationRow[]; note?: string } {
  if (lstatSync(path.join(directory, 'iterations.csv'), { throwIfNoEntry: false }))
    return { updates: readIterations(directory) };
  const updates = readMetrics(directory).map(({ epoch, iteration, lr, momentum, train_loss }): IterationRow => {
    return { iteration: iteration - 1, epoch, lr, momentum, loss: train_loss };
  });
  return { updates, note: 'no iterations.csv: LR and momentum by epoch' };
}

/** A JSON file of a run folder. Throws ClrError('data') if it is missing or damaged. */
export function readJson(directory: string, name: string): unknown {
  const file = path.join(directory, name);
  const text = readText(file, maxJsonBytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ClrError('data', `cannot read ${file}: ${(error as Error).message}`, 'it is damaged or not JSON');
  }
}

/** The same, validated: others may have written it. Throws ClrError('data') that names the key. */
export function readJsonAs<Schema extends z.ZodType>(
  schema: Schema,
  directory: string,
  name: string,
): z.output<Schema> {
  const { success, data, error } = schema.safeParse(readJson(directory, name));
  if (success) return data;
  const { path: key, message } = error.issues[0]!;
  throw new ClrError('data', `${path.join(directory, name)}: ${key.join('.') || 'it'}: ${message}`);
}

/**
 * A text file of a run folder. Throws ClrError('data') if it is missing, larger than any that a run writes, or a
 * device; ClrError('failed') if it is too large for the memory that is left.
 */
export function readText(file: string, maxBytes = maxTableBytes): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes, more than any run writes`);
    if (heapIsNearlyFull(2 * stats.size)) throw outOfMemory(`${file} has ${stats.size} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ClrError) throw error;
    const reason = (error as Error).message;
    throw new ClrError('data', `cannot read ${file}: ${reason}`, 'name a run folder, such as runs/1', { cause: error });
  }
}

/** The last line may be incomplete (the process was killed): it is ignored unless it ends in a line break. */
export function readTable(file: string, columns: Record<string, Column>): Record<string, number>[] {
  const names = Object.keys(columns);
  const text = readText(file);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const bad = (why: string) => new ClrError('data', `${file}: ${why}`, `its columns should be ${names.join(', ')}`);
  const rows: Record<string, number>[] = [];
  let indices: number[] | undefined; // of the columns, once the header is read
  const add = (cells: string[]): null => {
    if (!indices) {
      indices = names.map((name) => cells.indexOf(name));
      const missing = names.find((_, i) => indices![i] === -1);
      if (missing !== undefined) throw bad(`it has no column ${missing}`);
      return null;
    }
    const row: Record<string, number> = {};
    names.forEach((name, i) => {
      const number = toNumber(cells[indices![i]!] ?? '', columns[name]!);
      if (number === undefined) throw bad(`row ${rows.length + 1} has no number for ${name}`);
      row[name] = number;
    });
    rows.push(row);
    if (rows.length % rowsBetweenLooks === 0 && heapIsNearlyFull())
      throw outOfMemory(`${file} has ${rows.length} rows or more`);
    return null; // the parser need not keep it
  };
  try {
    parse(whole, { bom: true, max_record_size: maxRowBytes, on_record: add });
    if (!indices) throw bad(`it has no column ${names[0]}`);
    return rows;
  } catch (error) {
    throw error instanceof ClrError ? error : bad((error as Error).message);
  }
}

/** NaN for an empty cell if that is allowed; undefined for what is not a number. */
function toNumber(cell: string, { type, optional }: Column): number | undefined {
  if (cell === '') return optional ? Number.NaN : undefined;
  if (/^(NaN|-?Infinity)$/.test(cell)) return type === 'real' ? Number(cell) : undefined;
  const number = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : undefined;
  return type === 'integer' && !Number.isSafeInteger(number) ? undefined : number;
}
