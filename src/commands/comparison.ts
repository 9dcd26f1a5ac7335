import { Option } from 'commander';
import type { Comparison, ComparisonOptions } from '../compare/comparison.js';
import type { Skipped } from '../runs/find-runs.js';
import { metrics } from '../runs/scores.js';

/** Arguments and options of the commands that read runs. */
export const runsArgument = ['<path...>', 'run folders, sweep folders, or folders of either'] as const;
export const metricOption = () =>
  new Option(
    '--metric <name>',
    "metric to test and sort by; default: the one in the sweep's question, else val_acc",
  ).choices(Object.keys(metrics));
export const togetherOption = () =>
  new Option('--together', 'one table even if the runs differ in data, model or length');
export const baselineOption = () =>
  new Option(
    '--baseline <name>',
    "config to compare the others with; default: the one in the sweep's question, else the first one read",
  );

/** A comparison per question that the runs ask, or a single one (`together`). Runs left out are listed on stderr. */
export async function comparisonsOf(
  paths: string[],
  { together, ...options }: ComparisonOptions & { together?: boolean },
): Promise<{ comparisons: Comparison[]; skipped: Skipped[] }> {
  const { readSomeRuns } = await import('../runs/read-runs.js');
  const { compareEach } = await import('../compare/comparison.js');
  const { runs, skipped } = readSomeRuns(paths);
  skipped.forEach(nameSkipped);
  const comparisons = compareEach(together ? [runs] : undefined, runs, options);
  for (const comparison of comparisons) comparison.skipped.forEach(nameSkipped);
  return { comparisons, skipped };
}

export function nameSkipped({ path, reason }: Skipped): void {
  process.stderr.write(`left out ${path}: ${reason}\n`);
}
