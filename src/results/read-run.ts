import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type { z } from 'zod';
import { ClrError } from '../errors.js';
import { type Column, type IterationRow, iterationColumns, type MetricsRow, metricsColumns } from './metrics.js';

/** A million iterations are some 60 MB. */
const maxBytes = 1 << 27;

/** The rows of a run's metrics.csv. Throws ClrError('data') when it is missing or not such a table. */
export function readMetrics(directory: string): MetricsRow[] {
  return readTable(path.join(directory, 'metrics.csv'), metricsColumns) as MetricsRow[];
}

/** The rows of a run's iterations.csv. */
export function readIterations(directory: string): IterationRow[] {
  return readTable(path.join(directory, 'iterations.csv'), iterationColumns) as IterationRow[];
}

/** A JSON file of a run folder. */
export function readJson(directory: string, name: string): unknown {
  const file = path.join(directory, name);
  const text = readText(file);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ClrError('data', `cannot read ${file}: ${(error as Error).message}`, 'it is damaged or no JSON');
  }
}

/** The same, checked: others may have written it. Throws ClrError('data') that names the key. */
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

/** A text file of a run folder. Throws ClrError('data') when it is missing, larger than a run makes it, or a device. */
export function readText(file: string): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes, more than a run writes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as Error).message;
    throw new ClrError('data', `cannot read ${file}: ${reason}`, 'name a run folder, such as runs/1', { cause: error });
  }
}

/** The last line may be half written (the process was killed): it is left out unless it ends in a line break. */
export function readTable(file: string, columns: Record<string, Column>): Record<string, number>[] {
  const names = Object.keys(columns);
  const text = readText(file);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const bad = (why: string) => new ClrError('data', `${file}: ${why}`, `its columns are ${names.join(', ')}`);
  try {
    const [header = [], ...rows] = parse(whole, { bom: true }) as string[][];
    const indices = names.map((name) => header.indexOf(name));
    const missing = names.find((_, i) => indices[i] === -1);
    if (missing !== undefined) throw bad(`it has no column ${missing}`);
    return rows.map((row, r) => {
      const cell = (name: string, i: number) => toNumber(row[indices[i]!] ?? '', columns[name]!);
      const numbers = names.map((name, i) => [name, cell(name, i)] as const);
      const [wrong] = numbers.find(([, number]) => number === undefined) ?? [];
      if (wrong !== undefined) throw bad(`row ${r + 1} has no number for ${wrong}`);
      return Object.fromEntries(numbers) as Record<string, number>;
    });
  } catch (error) {
    throw error instanceof ClrError ? error : bad((error as Error).message);
  }
}

/** NaN for an empty cell where that is allowed; undefined for what is no number. */
function toNumber(cell: string, { type, optional }: Column): number | undefined {
  if (cell === '') return optional ? Number.NaN : undefined;
  if (/^(NaN|-?Infinity)$/.test(cell)) return type === 'real' ? Number(cell) : undefined;
  const number = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : undefined;
  return type === 'integer' && !Number.isSafeInteger(number) ? undefined : number;
}
