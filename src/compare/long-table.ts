import { stringify } from 'csv-stringify/sync';
import { ClrError } from '../errors.js';
import { iterationColumns, metricsColumns } from '../runs/columns.js';
import type { Skipped } from '../runs/find-runs.js';
import { readIterations, readMetrics } from '../runs/read-run.js';
import type { Run } from '../runs/read-runs.js';
import { metrics } from '../runs/scores.js';
import { printable } from '../system/printable.js';
import { differingSettings } from './groups.js';
import { csvCell } from './print.js';

/** Output format. */
export type Format = 'csv' | 'json';

/** What a row stands for. */
export type Unit = 'epoch' | 'iteration' | 'run';

type Cell = string | number | boolean | null | undefined;

const measures: Record<Unit, string[]> = {
  epoch: Object.keys(metricsColumns),
  iteration: Object.keys(iterationColumns),
  run: Object.keys(metrics),
};
const rowsAtOnce = 10_000; // some MB of memory
const identity = ['run', 'name', 'seed', 'status'];

/**
 * The runs as one tidy table, in pieces: a row per epoch, iteration or run, with the run's folder, name, seed and
 * status, the settings that differ between the runs (all settings with a row per run), and the measurements. A run
 * whose rows cannot be read is passed to `skip`. Throws ClrError('data') if none is left.
 */
export function* longTable(runs: readonly Run[], per: Unit, format: Format, skip: (run: Skipped) => void) {
  const keys = per === 'run' ? allSettings(runs) : differingSettings(runs);
  const taken = new Set([...identity, ...measures[per]]);
  const columns = [...identity, ...keys.map((key) => (taken.has(key) ? `config.${key}` : key)), ...measures[per]];
  let begun = false;
  for (const run of runs) {
    const rows = readRows(run, per, skip);
    if (!rows) continue;
    const { name, seed, status, settings } = run;
    const own = [printable(run.directory), name, seed, status, ...keys.map((key) => settings[key])];
    for (let at = 0; at < rows.length; at += rowsAtOnce) {
      const some = rows.slice(at, at + rowsAtOnce);
      const cells = some.map((row) => [...own, ...measures[per].map((measure) => row[measure])]);
      yield printers[format](columns, cells, !begun);
      begun = true;
    }
  }
  if (!begun) throw new ClrError('data', 'nothing to export: no run has rows that can be read');
  if (format === 'json') yield '\n]\n';
}

/** The keys of all runs' configs. */
function allSettings(runs: readonly Run[]): string[] {
  return [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
}

/** Undefined if no row can be read. A run that diverged has no scores. */
function readRows(run: Run, per: Unit, skip: (run: Skipped) => void): Partial<Record<string, number>>[] | undefined {
  if (per === 'run') return [run.scores ?? {}];
  try {
    const rows = per === 'epoch' ? readMetrics(run.directory) : readIterations(run.directory);
    if (rows.length > 0) return rows;
    throw new ClrError('data', 'it has no rows');
  } catch (error) {
    skip({ path: printable(run.directory), reason: printable((error as Error).message) });
    return undefined;
  }
}

/** Unknown values are empty in CSV and null in JSON; NaN and infinity are words in CSV and null in JSON. */
const printers: Record<Format, (columns: string[], rows: Cell[][], first: boolean) => string> = {
  csv: (columns, rows, first) => stringify([...(first ? [columns] : []), ...rows].map((row) => row.map(csvCell))),
  json: (columns, rows, first) =>
    (first ? '[' : ',') +
    rows.map((row) => `\n${JSON.stringify(Object.fromEntries(columns.map((c, i) => [c, row[i] ?? null])))}`).join(),
};
