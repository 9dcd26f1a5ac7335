import { sequentialLevels } from './sequential-levels.js';
import { type Estimate, interval, pairedT, pValue, welch } from './statistics.js';
import { type Finding, type Verdict, verdictOf } from './verdict.js';

/** A question to be decided with seeds that are added in blocks; all of it is fixed before the first run. */
export interface Question {
  best: 'high' | 'low';
  /** An arm whose interval lies within plus or minus this is equivalent to the baseline. */
  difference: number;
  /** The chance of any wrong verdict, over all arms and looks. */
  alpha: number;
  maxSeeds: number;
  /** Seeds per arm between two looks. */
  block: number;
  paired: boolean;
}

/** When the sequential test looks at the data, and the p-value it needs at each look. */
export interface Design extends Question {
  arms: number;
  /** Seeds per arm at each look. */
  looks: number[];
  /** At each look, the p-value of an arm's test below which the arm is better or worse. */
  levels: number[];
}

/** The scores of an arm, one per seed, in the order in which the seeds are run; undefined: the run has no score. */
export type Scores = readonly (number | undefined)[];

/** The state of an arm; `diverges`, `baseline diverges`: no seed of it has a score, so nothing can be decided. */
export interface Judgement {
  verdict: Verdict | 'diverges' | 'baseline diverges';
  /** Looks taken; 0: none so far. */
  looks: number;
  /** Seeds used by the last look. */
  seeds: number;
  /** At the last look; undefined if nothing can be estimated. */
  finding: Finding | undefined;
}

/** `arms`: how many are tested against the baseline; each gets an equal part of alpha. */
export function sequentialDesign(question: Question, arms: number): Design {
  const { maxSeeds, block, alpha } = question;
  const looks: number[] = [];
  for (let n = block; n < maxSeeds; n += block) if (n > 1) looks.push(n);
  looks.push(maxSeeds);
  return { ...question, arms, looks, levels: sequentialLevels(looks, alpha / arms) };
}

/** Repeats the looks for which both arms have all seeds, up to a verdict: the same result as when the seeds came. */
export function judge(design: Design, baseline: Scores, arm: Scores): Judgement {
  let state: Judgement = { verdict: 'undecided', looks: 0, seeds: 0, finding: undefined };
  for (const [i, seeds] of design.looks.entries()) {
    if (Math.min(arm.length, baseline.length) < seeds) break;
    state = look(design, i, baseline.slice(0, seeds), arm.slice(0, seeds));
    if (state.verdict !== 'undecided') break;
  }
  return state;
}

function look(design: Design, i: number, baseline: Scores, arm: Scores): Judgement {
  const state = { looks: i + 1, seeds: design.looks[i]! };
  const diverges = (scores: Scores) => scores.every((score) => score === undefined);
  if (diverges(arm)) return { ...state, verdict: 'diverges', finding: undefined };
  if (diverges(baseline)) return { ...state, verdict: 'baseline diverges', finding: undefined };
  const found = sequentialEstimate(design.paired, arm, baseline);
  if (!found) return { ...state, verdict: 'undecided', finding: undefined };
  const finding = { ...found, ...interval(found, design.levels[i]!), p: 1 };
  return { ...state, verdict: verdictOf(finding, design.best, design.difference), finding };
}

/** Adds the p-value: the smallest alpha for which the interval of this look would exclude 0. */
export function withP(design: Design, judgement: Judgement): Judgement {
  const { finding, looks } = judgement;
  if (!finding) return judgement;
  return { ...judgement, finding: { ...finding, p: repeatedP(design, looks - 1, pValue(finding)) } };
}

/** Up to 5 seeds: the smaller arm's degrees of freedom, never too many; Welch's are slightly too many in the tails. */
function sequentialEstimate(paired: boolean, a: Scores, b: Scores): Estimate | undefined {
  const known = (scores: Scores) => scores.filter((score) => score !== undefined);
  if (paired) {
    const both = a.flatMap((score, i) => (score === undefined || b[i] === undefined ? [] : [[score, b[i]] as const]));
    return pairedT(
      both.map(([score]) => score),
      both.map(([, score]) => score),
    );
  }
  const [own, other] = [known(a), known(b)];
  const found = welch(own, other);
  const smaller = Math.min(own.length, other.length);
  return found && smaller < 6 ? { ...found, df: smaller - 1 } : found;
}

/**
 * The alpha of the whole design for which its level at this look would be p (the repeated p-value of Jennison and
 * Turnbull 1989, J. R. Statist. Soc. B 51), by the secant method on logarithms, where it is nearly a line of slope 1.
 */
function repeatedP({ looks, levels, alpha, arms }: Design, i: number, p: number): number {
  const target = Math.log(Math.max(p, 1e-12));
  const level = (log: number) => Math.log(sequentialLevels(looks, Math.exp(log), i + 1)[i]!);
  let [x, y] = [Math.log(alpha / arms), Math.log(levels[i]!) - target];
  let slope = 1;
  for (let iteration = 0; iteration < 30 && Math.abs(y) > 1e-10; iteration++) {
    const next = Math.min(-1e-3, x - y / slope);
    if (next === x) return 1; // no alpha below 1 is large enough
    const height = level(next) - target;
    slope = (height - y) / (next - x);
    [x, y] = [next, height];
  }
  return Math.min(1, arms * Math.exp(x));
}
