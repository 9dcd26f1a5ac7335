import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { ClrError } from '../errors.js';
import { type Column, type IterationRow, iterationColumns, type MetricsRow, metricsColumns } from './metrics.js';

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
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ClrError('data', `cannot read ${file}: ${(error as Error).message}`, 'name a run folder, such as runs/1');
  }
}

/** The last line may be half written (the process was killed): it is left out unless it ends in a line break. */
export function readTable(file: string, columns: Record<string, Column>): Record<string, number>[] {
  const names = Object.keys(columns);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ClrError('data', `cannot read ${file}: ${(error as Error).message}`, 'name a run folder, such as runs/1');
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const bad = (why: string) => new ClrError('data', `${file}: ${why}`, `its columns are ${names.join(', ')}`);
  try {
    const rows = parse(whole, { columns: true }) as Record<string, string>[];
    return rows.map((row, i) => {
      const missing = names.find((name) => row[name] === undefined || (row[name] === '' && !columns[name]!.optional));
      if (missing) throw bad(`row ${i + 1} has no ${missing}`);
      return Object.fromEntries(names.map((name) => [name, row[name] === '' ? Number.NaN : Number(row[name])]));
    });
  } catch (error) {
    throw error instanceof ClrError ? error : bad((error as Error).message);
  }
}
