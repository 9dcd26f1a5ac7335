import { ClrError } from '../errors.js';
import { readSomeRuns } from '../runs/read-runs.js';
import type { Metric } from '../runs/scores.js';
import { standardDeviation } from '../statistics/statistics.js';
import { groupRuns } from './groups.js';

/**
 * The standard deviation between seeds of these runs, pooled over arms; by default of the metric of the sweep's question,
 * else of `val_acc`. Throws ClrError('data') if no arm has two, or if no score differs from that of another seed.
 */
export function spreadOf(paths: readonly string[], { paired, ...asked }: { metric?: Metric; paired?: boolean }) {
  if (paired)
    throw new ClrError(
      'usage',
      '--paired: the standard deviation of the differences cannot be taken from runs',
      'give --std instead of runs',
    );
  const { runs } = readSomeRuns(paths);
  const metric = asked.metric ?? runs[0]!.sweep?.manifest.question?.metric ?? 'val_acc';
  const arms = groupRuns(runs)
    .map(({ runs }) => runs.flatMap(({ scores }) => (scores ? [scores[metric]] : [])).filter(Number.isFinite))
    .filter((values) => values.length > 1);
  const df = arms.reduce((sum, values) => sum + values.length - 1, 0);
  if (df === 0) throw new ClrError('data', 'no config here has two seeds with a score', 'give --std instead of runs');
  if (arms.every((values) => new Set(values).size === 1))
    throw new ClrError('data', `${metric} is the same for all seeds of each config`, 'give --std instead of runs');
  const variance = arms.reduce((sum, values) => sum + (values.length - 1) * standardDeviation(values) ** 2, 0) / df;
  const std = Number(Math.sqrt(variance).toPrecision(3));
  return {
    std,
    origin: `standard deviation ${std} of ${metric}, from ${df + arms.length} runs of ${arms.length} configs`,
  };
}
