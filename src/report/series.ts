import { thin } from '../charts/thin.js';
import type { Comparison } from '../compare/comparison.js';
import type { PageRun } from '../page/data.js';
import type { Skipped } from '../runs/find-runs.js';
import { readIterations, readMetrics } from '../runs/read-run.js';
import { printable } from '../system/printable.js';

const mostPoints = 400; // of one run over iterations
const mostDetailed = 40; // runs whose iterations are in the page

/** The curves of every run, the baseline's arm first; what cannot be read is given to `skip`. */
export function readSeries({ rows, baseline }: Comparison, skip: (run: Skipped) => void): PageRun[] {
  const ordered = [...rows].sort((a, b) => Number(b.config === baseline) - Number(a.config === baseline));
  const all = ordered.flatMap(({ config, runs }) => runs.map((run) => ({ arm: config, ...run })));
  const read = <Row>(directory: string, rowsOf: (directory: string) => Row[]): Row[] | undefined => {
    try {
      return rowsOf(directory);
    } catch (error) {
      skip({ path: printable(directory), reason: printable((error as Error).message) });
      return undefined;
    }
  };
  const stepsOf = (directory: string) => thin(readIterations(directory), ['loss', 'lr'], mostPoints);
  return all.flatMap(({ arm, directory, seed, status }, i) => {
    const epochs = status === 'pending' ? undefined : read(directory, readMetrics);
    if (status === 'pending' || !epochs) return [];
    const steps = i < mostDetailed ? (read(directory, stepsOf) ?? []) : [];
    return [{ id: String(i), directory: printable(directory), arm, seed, status, epochs, steps }];
  });
}
