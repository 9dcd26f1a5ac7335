import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Comparison } from '../compare/comparison.js';
import type { PageRun } from '../page/data.js';
import { thinnedSteps } from '../page/thinned-steps.js';
import type { Skipped } from '../runs/find-runs.js';
import { readIterations, readMetrics } from '../runs/read-run.js';
import { printable } from '../system/printable.js';

const maxPoints = 400; // of one run over iterations
const maxDetailed = 40; // runs whose iterations are in the page, shared among the arms: the last of each

/** The curves of every run, the baseline's first; `skip` gets what cannot be read. `question`: if there are several. */
export function readSeries({ rows, baseline }: Comparison, skip: (run: Skipped) => void, question?: string): PageRun[] {
  const ordered = [...rows].sort((a, b) => Number(b.config === baseline) - Number(a.config === baseline));
  const each = Math.max(1, Math.floor(maxDetailed / rows.length));
  const all = ordered.flatMap(({ config, runs }) => {
    const recorded = runs.filter(({ directory }) => hasIterations(directory));
    const detailed = new Set(recorded.slice(-each));
    return runs.map((run) => ({ arm: config, detailed: detailed.has(run), ...run }));
  });
  const without = all.filter(({ directory, status }) => status !== 'pending' && !hasIterations(directory));
  if (without.length > 0) {
    const more = without.length > 1 ? ` and ${without.length - 1} more` : '';
    const reason = 'no iterations.csv: LR, momentum and batch losses are not drawn';
    skip({ path: printable(without[0]!.directory) + more, reason });
  }
  const read = <Row>(directory: string, rowsOf: (directory: string) => Row[]): Row[] | undefined => {
    try {
      return rowsOf(directory);
    } catch (error) {
      skip({ path: printable(directory), reason: printable((error as Error).message) });
      return undefined;
    }
  };
  const stepsOf = (directory: string) => thinnedSteps(readIterations(directory), maxPoints);
  return all.flatMap(({ arm, directory, seed, status, detailed }) => {
    const epochs = status === 'pending' ? undefined : read(directory, readMetrics);
    if (status === 'pending' || !epochs) return [];
    const steps = detailed ? (read(directory, stepsOf) ?? []) : [];
    return [
      {
        id: directory,
        directory: printable(directory),
        arm,
        seed,
        status,
        epochs,
        steps,
        ...(question && { question }),
      },
    ];
  });
}

function hasIterations(directory: string): boolean {
  return existsSync(path.join(directory, 'iterations.csv'));
}
