import type { ExperimentConfig } from '../config/schema.js';
import { runLength } from '../config/schema.js';
import { trainSize } from '../datasets/index.js';
import { secondsOfRun } from '../sweep/step-times.js';
import { duration } from '../terminal/duration.js';
import {
  type Budget,
  checkRuns,
  costOf,
  type Length,
  longest,
  randomTrials,
  searchSeeds,
  shares,
  split,
} from './budget.js';
import { type Race, races } from './races.js';
import { decays, maxScouts } from './range.js';
import type { TuneRecord } from './record.js';
import { startOf } from './settings.js';

/** Seconds of a run besides training: it reads images, prepares kernels, draws charts. On two Zen 4 cores: 2 to 4. */
const startSeconds = 3;

/** Validation takes a part of an epoch's time too: a tenth, with a fifth as many images as for training. */
const withValidation = 1.1;

/** A range test scores a batch after each update, which takes a third as long as the update. */
const withScoring = 4 / 3;

/** Updates of the shortest range test. */
const minUpdates = 60;

/** The length of each stage, from the budget; if that is a time, a few training steps show how long an epoch takes. */
export async function makePlan(
  config: ExperimentConfig,
  { budget, seeds }: { budget: Budget; seeds: number },
  { jobs, threads }: { jobs: number; threads?: number },
): Promise<TuneRecord['plan']> {
  const timed = { ...config, epochs: 1, ...(threads !== undefined && { threads }) };
  const epoch_seconds = withValidation * (await secondsOfRun(timed));
  const plan = (epochs: number) => planOf(config, epochs, seeds, epoch_seconds, jobs);
  if ('epochs' in budget) return plan(budget.epochs);
  const epochsIn = (seconds: number) => Math.max(1, (jobs * seconds) / epoch_seconds);
  const { random } = plan(epochsIn(budget.seconds));
  const searched = races.reduce((sum, race) => sum + armsOf(race, config) * searchSeeds.length, random.trials);
  const runs = searched + checkRuns(seeds);
  const left = budget.seconds - (startSeconds * (runs + jobs * (decays.length + maxScouts))) / jobs;
  return plan(epochsIn(left));
}

function planOf(
  config: ExperimentConfig,
  epochs: number,
  seeds: number,
  epoch_seconds: number,
  jobs: number,
): TuneRecord['plan'] {
  const { iterationsPerEpoch } = runLength(config, trainSize(config.dataset));
  const curves = maxScouts + decays.length * searchSeeds.length;
  const { search } = split(epochs, seeds, config);
  const range = Math.max(minUpdates, Math.round((search * shares.range * iterationsPerEpoch) / curves));
  const lengthOf = (name: Race['name'], halves: boolean): Length => {
    const race = races.find((one) => one.name === name)!;
    return longest(search * shares[name], armsOf(race, config), searchSeeds.length, config.epochs, halves);
  };
  const momentum = lengthOf('momentum', true);
  return {
    ...{ epochs: Number(epochs.toFixed(2)), epoch_seconds, jobs, range },
    ...{ lr: lengthOf('lr', false), momentum, wd: lengthOf('wd', false), tail: lengthOf('tail', false) },
    random: randomTrials(search, momentum, config.epochs),
  };
}

const armsOf = (race: Race, config: ExperimentConfig) =>
  race.arms({ ...startOf(config, []), weight_decay: 0.001 }).length;

/** The plan in words: a line for each stage, with its cost. */
export function planLines({ plan, asked }: TuneRecord, config: ExperimentConfig): string[] {
  const { iterationsPerEpoch } = runLength(config, trainSize(config.dataset));
  const line = (name: string, what: string, epochs: number, seconds = (epochs * plan.epoch_seconds) / plan.jobs) =>
    `${name.padEnd(9)}${what}: ${epochs.toFixed(1)} epochs, about ${duration(seconds)}`;
  const race = (one: Race) => {
    const arms = armsOf(one, config);
    const length = plan[one.name];
    const early = length.halving ? `, half of them stopped after ${length.halving.min_epochs}` : '';
    const cost = costOf(length, arms, searchSeeds.length);
    return line(one.name, `${arms} arms, ${searchSeeds.length} seeds, ${length.epochs} epochs each${early}`, cost);
  };
  const { trials, length } = plan.random;
  const curves = maxScouts + decays.length * searchSeeds.length;
  const rangeEpochs = (curves * plan.range) / iterationsPerEpoch; // one test at a time
  const chosen = races.filter(({ name }) => asked.stages.includes(name));
  const check = [
    line('random', `${trials} trials of ${length.epochs} epochs, for comparison`, costOf(length, trials, 1)),
    line('check', `tuned, untuned and random, ${asked.seeds} seeds`, split(plan.epochs, asked.seeds, config).check),
  ];
  return [
    `${plan.epochs} epochs of ${iterationsPerEpoch} updates, ${plan.jobs} runs at a time; an epoch takes ${duration(plan.epoch_seconds)}, estimated from a few training steps`,
    ...(asked.stages.includes('lr')
      ? [
          line(
            'range',
            `up to ${curves} range tests of ${plan.range} updates`,
            rangeEpochs,
            withScoring * rangeEpochs * plan.epoch_seconds,
          ),
        ]
      : []),
    ...chosen.map(race),
    ...(asked.stages.includes('check') ? check : []),
    ...(chosen.some(({ name }) => plan[name].epochs < 1)
      ? ['some runs are shorter than one epoch, so their ranking is mostly noise: raise --budget']
      : []),
  ];
}
