import { ClrError } from '../errors.js';
import type { Run } from '../runs/read-runs.js';
import type { Metric } from '../runs/scores.js';
import { sampleOf, welchOf } from '../statistics/statistics.js';
import { fixedFinding, verdictOf } from '../statistics/verdict.js';
import type { Published, Row } from './row.js';
import { fixed, percent, withStd } from './sentence.js';

/**
 * Percentage points of accuracy within which a published value counts as reproduced, unless --difference sets another
 * margin. A convention: twice the largest deviation between runs in the paper's Table 1 (0.5 points).
 */
export const defaultMargin = 1;

/** The difference that a sweep's question names, if it is one of accuracy. */
export function accuracyMargin(question: { metric: Metric; difference: number } | undefined): number | undefined {
  return question?.metric === 'val_acc' ? question.difference : undefined;
}

/**
 * The final accuracies of a config's runs against the published value: Welch's interval from both summaries, at
 * alpha / comparisons. A value published without a deviation or a number of runs is taken as exact.
 */
export function againstPublished(
  row: Row,
  expected: NonNullable<Run['expected']>,
  { alpha, comparisons, margin = defaultMargin }: { alpha: number; comparisons: number; margin?: number | undefined },
): Published {
  const { val_acc, std, n, diverges } = expected;
  if (val_acc === undefined) return { verdict: divergence(row, diverges) };
  const known = std !== undefined && n !== undefined && n > 1;
  const theirs = known ? { mean: val_acc, std, n } : { mean: val_acc, std: 0, n: Number.POSITIVE_INFINITY };
  const ours = sampleOf(row.runs.flatMap(({ scores }) => (scores ? [scores.val_acc] : [])));
  const estimate = welchOf(ours, theirs);
  const finding = estimate && fixedFinding(estimate, alpha, comparisons);
  const verdict = finding ? words[verdictOf(finding, 'high', margin)] : 'undecided';
  return { val_acc, std, n, finding, verdict };
}

const words = { better: 'higher', worse: 'lower', equivalent: 'reproduced', undecided: 'undecided' } as const;

function divergence({ n, runs, missing }: Row, expected = false): Published['verdict'] {
  if (!expected || runs.length === 0) return 'undecided';
  if (missing.diverged === runs.length) return 'diverges';
  return n > 0 ? 'does not diverge' : 'undecided';
}

/**
 * Label, n, score, published value, difference, its interval, verdict, for the rows with a published value. Throws
 * ClrError('usage') if there are none.
 */
export function publishedCells({ rows, alpha }: { rows: readonly Row[]; alpha: number }) {
  const signed = (value: number) => `${value < 0 ? '' : '+'}${fixed(value, 2)}`;
  const body = rows.flatMap(({ config, n, runs, scores, published }) => {
    if (!published) return [];
    const { val_acc, std, finding, verdict } = published;
    return [
      [
        config,
        n === runs.length ? String(n) : `${n}/${runs.length}`,
        withStd(scores.val_acc.mean, scores.val_acc.std, 2),
        val_acc === undefined ? '-' : withStd(val_acc, std ?? Number.NaN, 1),
        finding ? signed(finding.difference) : '-',
        finding ? `[${signed(finding.low)}, ${signed(finding.high)}]` : '-',
        verdict,
      ],
    ];
  });
  if (body.length === 0)
    throw new ClrError('usage', '--published: no config says what its source reports', 'add it as `expected`');
  const head = ['config', 'n', 'val acc (%)', 'published', 'difference', `${percent(1 - alpha)} interval`, 'verdict'];
  return { head, body };
}

/** How the verdicts of publishedCells() were reached. */
export function publishedNote(comparison: {
  rows: readonly Row[];
  alpha: number;
  margin?: number | undefined;
}): string {
  const { rows, alpha } = comparison;
  const count = rows.filter(({ published }) => published?.val_acc !== undefined).length;
  const together = count > 1 ? ` for ${count} configs together (Bonferroni)` : '';
  const margin = comparison.margin ?? `${defaultMargin}, the default margin (--difference sets another)`;
  return `${percent(1 - alpha)} intervals by Welch's t-test from the published mean, deviation and number of runs${together}; reproduced: the interval contains 0 and lies within ±${margin}`;
}
