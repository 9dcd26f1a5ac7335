import path from 'node:path';
import { readMetrics } from '../runs/read-run.js';
import { metrics } from '../runs/scores.js';
import { type Halving, isDone, type Rung, type SweepRun } from '../runs/sweep-manifest.js';
import { mean } from '../statistics/statistics.js';

// Successive halving (Jamieson and Talwalkar, arXiv:1502.07943): all arms train for a few epochs, those that are behind
// stop, the others continue, and so on. Every arm keeps the schedule of its full length.

/** After `epoch` epochs `arms` arms are ranked, and the best `kept` continue. */
export interface Step {
  epoch: number;
  arms: number;
  kept: number;
}

/** The planned rankings, until a single arm is left. `epochs`: the length of each arm. */
export function stepsOf({ min_epochs, factor }: Halving, arms: number, epochs: number): Step[] {
  const steps: Step[] = [];
  for (let epoch = min_epochs, left = arms; epoch < epochs && left > 1; epoch *= factor) {
    const kept = Math.ceil(left / factor);
    steps.push({ epoch, arms: left, kept });
    left = kept;
  }
  return steps;
}

/** The epochs that halving trains, as a share of the full grid; `from`: only those after this many rankings. */
export function shareOfCost(steps: readonly Step[], arms: number, epochs: number, from = 0): number {
  const legs = [...steps, { epoch: epochs, arms: steps.at(-1)?.kept ?? arms }];
  const cost = legs.map((leg, i) => leg.arms * (leg.epoch - (legs[i - 1]?.epoch ?? 0)));
  return cost.slice(from).reduce((sum, leg) => sum + leg, 0) / (arms * epochs);
}

/** The arms and seeds to rank, and the rule. */
export interface Ranked {
  halving: Halving;
  arms: readonly string[];
  seeds: readonly number[];
  /** Length of each arm. */
  epochs: number;
}

/** The score of a run after `epoch` epochs; undefined: not reached yet; not finite: it diverged. */
export type ScoreAfter = (arm: string, seed: number, epoch: number) => number | undefined;

/** The rankings that are possible so far, in order; those in `recorded` are kept unchanged. */
export function rank({ halving, arms, seeds, epochs }: Ranked, recorded: readonly Rung[], score: ScoreAfter): Rung[] {
  const sign = metrics[halving.metric].best === 'high' ? -1 : 1;
  const rungs = [...recorded];
  for (const { epoch, kept } of stepsOf(halving, arms.length, epochs).slice(recorded.length)) {
    const left = armsLeft(arms, rungs);
    const scores = left.map((arm) => seeds.map((seed) => score(arm, seed, epoch)));
    if (scores.flat().includes(undefined)) break;
    const means = new Map(left.map((arm, i) => [arm, finite(mean(scores[i] as number[]))]));
    const place = (arm: string) => sign * (means.get(arm) ?? sign * Number.POSITIVE_INFINITY);
    const best = left.toSorted((a, b) => compare(place(a), place(b))); // equal ones in the order of the plan
    const stopped = left.filter((arm) => !best.slice(0, kept).includes(arm));
    rungs.push({ epoch, seeds: [...seeds], scores: Object.fromEntries(means), stopped });
  }
  return rungs;
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);
const compare = (a: number, b: number) => (a === b ? 0 : a - b);

/** The arms that no ranking has stopped. */
export function armsLeft(arms: readonly string[], rungs: readonly Rung[]): string[] {
  const stopped = new Set(rungs.flatMap((rung) => rung.stopped));
  return arms.filter((arm) => !stopped.has(arm));
}

/** Reads a run's score from its folder, for `rank`. */
export function scoreAfter(directory: string, run: SweepRun, epoch: number, { metric }: Halving): number | undefined {
  if (run.status === 'diverged') return Number.NaN;
  if (!isDone(run) && run.status !== 'interrupted') return undefined; // its process may still write
  const rows = readMetrics(path.join(directory, run.directory));
  return (rows.find((row) => row.epoch === epoch) ?? (run.status === 'completed' ? rows.at(-1) : undefined))?.[metric];
}

/** The run with the status `stopped` if a ranking has stopped its arm. */
export function afterRungs(run: SweepRun, rungs: readonly Rung[], { metric }: Halving): SweepRun {
  const rung = rungs.find(({ stopped }) => stopped.includes(run.arm));
  if (!rung || isDone(run)) return run;
  const message = `stopped after epoch ${rung.epoch}: behind other arms by ${metric} (successive halving)`;
  return { ...run, status: 'stopped', message };
}

/** A line per ranking. */
export function rungLine({ epoch, scores, stopped }: Rung, { metric }: Halving): string {
  const { digits } = metrics[metric];
  const named = Object.entries(scores).map(
    ([arm, score]) => `${arm} ${score === null ? 'diverged' : score.toFixed(digits)}`,
  );
  return `epoch ${epoch}, ${metric}: ${named.join(', ')}; stopped: ${stopped.join(', ')}`;
}
