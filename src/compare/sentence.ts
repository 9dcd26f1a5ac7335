import { type Metric, metrics } from '../runs/scores.js';
import type { Against, Row } from './row.js';

/**
 * The verdict in words, which say no more than the interval: "A is better than B by 0.08 to 0.16", "A is equivalent to
 * B: less than 0.2 apart", "undecided: A is between 0.15 worse and 0.45 better than B". `difference`: the smallest that
 * matters.
 */
export function sentence(
  arm: Row,
  baseline: Row,
  metric: Metric,
  against: Omit<Against, 'sentence'>,
  { difference, paired }: { difference?: number | undefined; paired: boolean },
) {
  const { finding, verdict, needed } = against;
  const [a, b] = [arm.config, baseline.config];
  if (!finding) return `${a}: ${reasonForNone(arm, baseline, { ...against, paired })}`;
  const { best, digits } = metrics[metric];
  const [least, most] = best === 'high' ? [finding.low, finding.high] : [-finding.high, -finding.low]; // how much better
  const size = (value: number) => fixed(Math.abs(value), digits);
  if (verdict === 'equivalent') return `${a} is equivalent to ${b}: less than ${difference} apart`;
  if (verdict === 'undecided') {
    const about = needed !== undefined && (needed < 100 ? needed : Number(needed.toPrecision(2)));
    const more = about ? `; about ${about} seeds per arm would detect a difference of ${difference}` : '';
    return `undecided: ${a} is between ${size(least)} worse and ${size(most)} better than ${b}${more}`;
  }
  const [low, high] = verdict === 'better' ? [least, most] : [-most, -least];
  const small = difference !== undefined && high < difference ? `, but less than ${difference}` : '';
  return `${a} is ${verdict} than ${b} by ${size(low)} to ${size(high)}${small}`;
}

/** The number with `digits` decimals; never -0. */
export function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, '$1');
}

/** "81.30 ± 0.10"; a dash if the mean is unknown. */
export function withStd(mean: number, std: number, digits: number): string {
  if (!Number.isFinite(mean)) return '-';
  return `${fixed(mean, digits)}${Number.isFinite(std) ? ` ± ${fixed(std, digits)}` : ''}`;
}

/** 0.95 -> "95 %" */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`;
}

/** p as tables show it. */
export function probability(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toPrecision(2);
}

/** Why an arm cannot be tested against the baseline. `seeds`: those that a question has been judged by. */
export function reasonForNone(
  arm: Row,
  baseline: Row,
  { seeds, paired }: { seeds?: number | undefined; paired: boolean },
): string {
  if (seeds === 0) return 'not judged yet: the first block of seeds is not complete in both arms';
  if (baseline.n === 0) return `no test possible: no run of ${baseline.config} has a score`;
  if (arm.n === 0) return 'no run has a score';
  const few = [arm, baseline].filter((row) => row.n < 2);
  const common = arm.runs.filter((run) => run.scores && baseline.runs.some((b) => b.scores && b.seed === run.seed));
  if (few.length === 0 && paired && common.length < 2)
    return 'no test possible: fewer than two seeds have a score in both arms, which are compared seed by seed';
  if (few.length === 0) return 'no test possible: the scores do not vary between seeds, or a score is not finite';
  const counts = few.map((row) => `${row === arm ? 'it' : row.config} has ${row.n === 0 ? 'none' : 'one'}`);
  return `no test possible: each arm needs at least two seeds with a score, and ${counts.join(', ')}`;
}
