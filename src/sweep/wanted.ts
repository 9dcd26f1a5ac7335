import type { Standing } from '../runs/standing.js';
import { designFor } from '../runs/standing.js';
import type { SweepRun } from '../runs/sweep-manifest.js';
import type { SweepPlan } from './plan.js';

/** Planned runs that must exist before the next look, done or not. */
export function wantedRuns(plan: SweepPlan, runs: readonly SweepRun[], standing: Standing): SweepRun[] {
  const seeds = seedsWanted(plan, standing);
  return runs.filter((run) => plan.seeds.indexOf(run.seed) < (seeds.get(run.arm) ?? 0));
}

/** Seeds per arm: a decided arm gets no more; the baseline gets the maximum. */
function seedsWanted(plan: SweepPlan, standing: Standing): Map<string, number> {
  const { question, paired, seeds: all } = plan;
  const arms = plan.arms.map(({ name }) => name);
  if (!question) return new Map(arms.map((name) => [name, all.length]));
  const { looks } = designFor({ question, paired, arms });
  const wanted = new Map<string, number>();
  for (const [arm, { verdict, looks: taken, seeds }] of standing)
    wanted.set(arm, verdict === 'undecided' ? (looks[taken] ?? seeds) : seeds);
  return wanted.set(question.baseline, Math.max(...wanted.values()));
}
