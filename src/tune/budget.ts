import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import type { Halving } from '../runs/sweep-manifest.js';
import { shareOfCost, stepsOf } from '../sweep/halving.js';

/** How the recipe's epochs are split. Weight decay gets the longest runs: short ones need less of it than long ones. */
export const shares = { range: 0.17, lr: 0.1, momentum: 0.21, wd: 0.42, tail: 0.1 };

/** Largest share of the budget for the check. */
const checkShare = 0.46;

/**
 * The check gets no more epochs than its runs can use; the recipe gets half of the rest, and the random search as many
 * as the recipe uses of that.
 */
export function split(epochs: number, seeds: number, config: Pick<ExperimentConfig, 'epochs'>) {
  const check = Math.min(checkShare * epochs, checkRuns(seeds) * config.epochs);
  return { check, search: (epochs - check) / 2 };
}

/** Runs of the check: tuned, untuned and random. */
export const checkRuns = (seeds: number) => 3 * seeds;

/** Seeds of the search; the check uses others. */
export const searchSeeds = [1, 2];
/** First seed of the check. */
export const firstCheckSeed = 101;

/** What the recipe may spend. */
export type Budget = { seconds: number } | { epochs: number };

const units = { s: 1, m: 60, min: 60, h: 3600 } as const;

/** `90s`, `30m`, `2h` or `300epochs`. Throws ClrError('usage'). */
export function parseBudget(text: string): Budget {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(s|m|min|h|epochs?)$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0)
    throw new ClrError(
      'usage',
      `--budget ${text}: neither a time nor a number of epochs`,
      'e.g. --budget 2h, or 300epochs',
    );
  if (unit!.startsWith('epoch')) return { epochs: Number(number) };
  return { seconds: Number(number) * units[unit as keyof typeof units] };
}

/** The length of a race's runs, and when those that are behind stop. */
export interface Length {
  epochs: number;
  halving?: Halving | undefined;
}

/**
 * The longest runs of all arms and seeds that `budget` epochs allow: whole epochs from two on, else any fraction below.
 * `halves`: the worse half of the arms stops halfway, in runs of 8 epochs or more at a quarter; then the worse half of
 * those left each time the epochs have doubled (stepsOf).
 */
export function longest(budget: number, arms: number, seeds: number, maxEpochs: number, halves: boolean): Length {
  for (let epochs = Math.floor(maxEpochs); epochs >= 2; epochs--) {
    const length = halves ? halved(epochs) : { epochs };
    if (costOf(length, arms, seeds) <= budget) return length;
  }
  return { epochs: fraction(Math.min(maxEpochs, 1.99, budget / (arms * seeds))) };
}

const longRun = 8; // epochs from which a quarter is enough to rank by

function halved(epochs: number): Length {
  const min_epochs = Math.floor(epochs / (epochs < longRun ? 2 : 4));
  return { epochs, halving: { metric: 'val_acc', min_epochs, factor: 2 } };
}

const fraction = (epochs: number) => Math.max(0.02, Math.floor(100 * epochs) / 100);

/** Epochs of all arms and seeds together. */
export function costOf({ epochs, halving }: Length, arms: number, seeds: number): number {
  return arms * seeds * epochs * (halving ? shareOfCost(stepsOf(halving, arms, epochs), arms, epochs) : 1);
}

/** The number of random trials, and their length, for `budget` epochs; one seed each. */
export function randomTrials(budget: number, length: Length, maxEpochs: number): { trials: number; length: Length } {
  const twice = Math.min(maxEpochs, 2 * length.epochs);
  const long = twice < 2 ? { epochs: fraction(twice) } : halved(Math.floor(twice));
  let trials = 2;
  while (costOf(long, trials + 1, 1) <= budget) trials++;
  return { trials, length: long };
}

/** The length of the check's runs: the whole epochs that are left for each, at least one, at most the config's own. */
export function checkLength(left: number, runs: number, { epochs }: Pick<ExperimentConfig, 'epochs'>): number {
  return Math.min(epochs, Math.max(1, Math.floor(left / runs)));
}
