import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type Design, sequentialDesign } from '../statistics/sequential.js';
import { defaultAlpha, defaultPower } from '../statistics/statistics.js';
import { readJsonAs } from './read-run.js';
import { type Metric, metrics } from './scores.js';

const names = Object.keys(metrics) as [Metric, ...Metric[]];

/** `decide` of a sweep file: the question that its seeds are to answer, fixed before anything runs. */
export const questionSchema = z.strictObject({
  metric: z.enum(names).default('val_acc').describe('the metric to compare'),
  baseline: z.string().optional().describe('the arm that the others are compared with; by default the first'),
  difference: z.number().gt(0).describe("the smallest difference that matters, in the metric's unit"),
  alpha: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(defaultAlpha)
    .describe('chance of any wrong verdict, over all arms and looks'),
  power: z.number().gt(0).lt(1).default(defaultPower).describe('chance of finding a difference of that size'),
  max_seeds: z
    .int()
    .min(2)
    .max(1000)
    .default(40)
    .describe('maximum number of seeds per arm; arms undecided by then stay undecided'),
  block: z.int().min(1).max(1000).default(2).describe('seeds per arm between two looks'),
  std: z.number().gt(0).optional().describe('standard deviation between seeds to plan with, before there are any runs'),
});

/** `halving` of a sweep file: arms that fall behind stop early. */
export const halvingSchema = z.strictObject({
  metric: z.enum(['val_acc', 'val_loss']).default('val_acc').describe('arms are ranked by its mean over their seeds'),
  min_epochs: z.int().min(1).max(100000).default(1).describe('epochs of every arm before the first ranking'),
  factor: z
    .int()
    .min(2)
    .max(1000)
    .default(2)
    .describe(
      'one arm in `factor` continues, rounded up; each ranking comes after `factor` times as many epochs as the one before',
    ),
});

/** How a sweep ranks its arms, and when. */
export type Halving = z.output<typeof halvingSchema>;

const rungSchema = z.object({
  /** Epochs done when the arms were ranked. */
  epoch: z.number(),
  seeds: z.array(z.number()),
  /** For each arm that was left, in the order of the plan: the mean over the seeds; null: a run diverged. */
  scores: z.record(z.string(), z.number().nullable()),
  /** The arms that were stopped. */
  stopped: z.array(z.string()),
});

/** A ranking that has been made. */
export type Rung = z.output<typeof rungSchema>;

/** A question whose baseline is named. */
export type Question = z.output<typeof questionSchema> & { baseline: string };

/** The design that answers the question for `arms` arms besides the baseline. */
export function designOf(question: Question, paired: boolean, arms: number): Design {
  const { difference, alpha, max_seeds: maxSeeds, block, metric } = question;
  return sequentialDesign({ best: metrics[metric].best, difference, alpha, maxSeeds, block, paired }, arms);
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const runSchema = z.object({
  arm: z.string(),
  seed: z.number(),
  /** Settings of this seed only: dotted key -> value. */
  varied: z.record(z.string(), scalar).optional(),
  /** Relative to the sweep's folder. */
  directory: z.string(),
  status: z.enum(['pending', 'running', 'completed', 'diverged', 'stopped', 'interrupted', 'failed']),
  message: z.string().optional(),
  /** Training time over all attempts. */
  seconds: z.number().optional(),
});

const manifestSchema = z.object({
  name: z.string().default('sweep'),
  /** Whether its arms are compared seed by seed. */
  paired: z.boolean().default(false),
  /** Set if seeds are added until it is decided. */
  question: questionSchema.extend({ baseline: z.string() }).optional(),
  /** With a question: the arms that are judged together, and the seeds in their order. Older sweeps lack it. */
  judged: z.object({ arms: z.array(z.string()), seeds: z.array(z.number()) }).optional(),
  /** Set if arms that fall behind stop early: the rule, and the rankings so far. */
  halving: halvingSchema.optional(),
  rungs: z.array(rungSchema).default([]),
  runs: z.array(runSchema),
});

/** One run as recorded in sweep.json. */
export type SweepRun = z.output<typeof runSchema>;

/** sweep.json: the question and every run of a sweep, with its status. */
export type Manifest = z.output<typeof manifestSchema>;

/** Undefined: there is none yet. Throws ClrError('data') if it is damaged. */
export function readManifestFile(directory: string): Manifest | undefined {
  if (!existsSync(path.join(directory, 'sweep.json'))) return undefined;
  return readJsonAs(manifestSchema, directory, 'sweep.json');
}

/** The config that the runs of an arm share, except for the seed. */
export const armFile = (directory: string, arm: string) => path.join(directory, arm, 'arm.json');

/** A diverged run is a result like any other; one that its sweep has stopped is not trained further. */
export function isDone({ status }: Pick<SweepRun, 'status'>): boolean {
  return status === 'completed' || status === 'diverged' || status === 'stopped';
}
