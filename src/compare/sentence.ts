import { type Metric, metrics } from '../runs/scores.js';
import type { Against, Row } from './row.js';

/**
 * What can be said of an arm, in words: "A 92.31 ± 0.18 (n=5) against B 92.20 ± 0.21 (n=5): +0.11, 95 % CI [-0.18, 0.40],
 * p = 0.41: not distinguishable; about 60 seeds an arm would be needed to see 0.1".
 */
export function sentence(arm: Row, baseline: Row, metric: Metric, test: Against['test'], tests: number): string {
  const { digits, best } = metrics[metric];
  const beginning = `${score(arm, metric)} against ${score(baseline, metric)}`;
  const signed = (value: number) => `${value < 0 ? '' : '+'}${fixed(value, digits)}`;
  const difference = arm.scores[metric].mean - baseline.scores[metric].mean;
  if (!test) {
    const shown = Number.isFinite(difference) ? `${signed(difference)}; ` : '';
    return `${beginning}: ${shown}${whyNothing(arm, baseline)}`;
  }
  const interval = `95 % CI [${fixed(test.low, digits)}, ${fixed(test.high, digits)}]`;
  const how = test.test === 'paired' ? ' (paired by seed)' : '';
  const p = `p ${probability(test.pHolm)}${tests > 1 ? ` (Holm-corrected over ${tests} arms)` : ''}`;
  const better = test.difference > 0 === (best === 'high');
  const verdict = test.needed ? advice(test.needed) : better ? 'better' : 'worse';
  return `${beginning}: ${signed(test.difference)}${how}, ${interval}, ${p}: ${verdict}`;
}

/** The number with so many decimals, without the sign of a zero. */
export function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, '$1');
}

function score(row: Row, metric: Metric): string {
  const { mean, std } = row.scores[metric];
  if (row.n === 0) return `${row.config} (n=0)`;
  const { digits } = metrics[metric];
  return `${row.config} ${fixed(mean, digits)}${row.n > 1 ? ` ± ${fixed(std, digits)}` : ''} (n=${row.n})`;
}

function probability(p: number): string {
  return p < 0.001 ? '< 0.001' : `= ${p.toPrecision(2)}`;
}

function advice({ seeds, wanted }: { seeds: number; wanted: number }): string {
  const about = seeds < 100 ? seeds : Number(seeds.toPrecision(2));
  return `not distinguishable; about ${about} seeds an arm would be needed to see ${wanted}`;
}

function whyNothing(arm: Row, baseline: Row): string {
  const few = [arm, baseline].filter((row) => row.n < 2);
  if (few.length > 0)
    return `with n=${few.map((row) => row.n).sort()[0]} nothing can be said: each arm needs two seeds or more`;
  return 'nothing can be said: the seeds do not vary, or some value is not finite';
}
