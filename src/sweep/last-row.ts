import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import type { SweepRun } from '../runs/sweep-manifest.js';

const maxLineBytes = 2048; // the longest line or header

/** The last complete row of a run's table, by column name; undefined: there is none yet. */
export function lastRow(
  directory: string,
  run: SweepRun,
  table: 'metrics.csv' | 'iterations.csv',
): Record<string, number> | undefined {
  try {
    const file = openSync(path.join(directory, run.directory, table), 'r');
    try {
      const { size } = fstatSync(file);
      const header = textAt(file, 0).split('\n')[0]!.split(',');
      const lines = textAt(file, Math.max(0, size - maxLineBytes)).split('\n');
      const cells = lines.at(-2)?.split(',') ?? []; // what follows the last newline is incomplete
      if (lines.length < (size > maxLineBytes ? 2 : 3)) return undefined;
      return Object.fromEntries(header.map((name, i) => [name, Number(cells[i])]));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined; // not begun
  }
}

function textAt(file: number, position: number): string {
  const bytes = Buffer.alloc(maxLineBytes);
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, maxLineBytes, position));
}
