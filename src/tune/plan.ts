import type { ExperimentConfig } from '../config/schema.js';
import { runLength } from '../config/schema.js';
import { trainSize } from '../datasets/index.js';
import { ClrError } from '../errors.js';
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
import type { Stage, TuneRecord } from './record.js';
import { startOf } from './settings.js';

/** Seconds of a run besides training: it reads images, prepares kernels, draws charts. On two Zen 4 cores: 2 to 4. */
const startSeconds = 3;

/** Validation takes a part of an epoch's time too: a tenth, with a fifth as many images as for training. */
const withValidation = 1.1;

/** A range test scores a batch after each update, which takes a third as long as the update. */
const withScoring = 4 / 3;

/** Updates of the shortest range test. */
const minUpdates = 60;

/** What was asked for, apart from the budget. */
type Asked = Pick<TuneRecord['asked'], 'seeds' | 'stages'>;

/**
 * The length of each stage, from the budget; if that is a time, a few training steps show how long an epoch takes.
 * Throws ClrError('usage') if there is nothing to check.
 */
export async function makePlan(
  config: ExperimentConfig,
  { budget, ...asked }: Asked & { budget: Budget },
  { jobs, threads }: { jobs: number; threads?: number },
): Promise<TuneRecord['plan']> {
  const { seeds, stages } = asked;
  if (stages.every((stage) => stage === 'check'))
    throw new ClrError('usage', '--stages check: nothing is tuned, so there is nothing to check', 'add another stage');
  if (stages.includes('wd') && !stages.includes('lr') && startOf(config, []).weight_decay === 0)
    throw new ClrError(
      'usage',
      "--stages wd: the weight decays to try are multiples of the config's, which is 0",
      'add the stage lr, whose range tests choose one, or set optimizer.weight_decay',
    );
  const timed = { ...config, epochs: 1, ...(threads !== undefined && { threads }) };
  const epoch_seconds = withValidation * (await secondsOfRun(timed));
  const plan = (epochs: number) => planOf(config, epochs, asked, epoch_seconds, jobs);
  if ('epochs' in budget) return plan(budget.epochs);
  const epochsIn = (seconds: number) => Math.max(1, (jobs * seconds) / epoch_seconds);
  const searched = racesIn(stages).reduce((sum, race) => sum + armsOf(race, config) * searchSeeds.length, 0);
  const checked = stages.includes('check') ? plan(epochsIn(budget.seconds)).random.trials + checkRuns(seeds) : 0;
  const tests = stages.includes('lr') ? decays.length + maxScouts : 0; // one at a time
  const left = budget.seconds - (startSeconds * (searched + checked + jobs * tests)) / jobs;
  return plan(epochsIn(left));
}

/**
 * The plan for `epochs` epochs. Range tests and random trials are as long as in the complete recipe; the races asked for
 * share what it would give to all of them, and the random search gets as many epochs as the stages asked for.
 */
export function planOf(
  config: ExperimentConfig,
  epochs: number,
  { seeds, stages }: Asked,
  epoch_seconds: number,
  jobs: number,
): TuneRecord['plan'] {
  const { search } = split(epochs, seeds, config);
  const chosen = racesIn(stages);
  const withRange = stages.includes('lr');
  const range = Math.max(minUpdates, Math.round((search * shares.range * updatesPerEpoch(config)) / curves));
  const lengthOf = (name: Race['name'], budget: number): Length => {
    const race = races.find((one) => one.name === name)!;
    return longest(budget, armsOf(race, config), searchSeeds.length, config.epochs, name === 'momentum');
  };
  const left = withRange ? 1 - shares.range : 1;
  const whole = chosen.reduce((sum, { name }) => sum + shares[name], 0);
  const part = (name: Race['name']) => lengthOf(name, (search * left * shares[name]) / whole);
  const lengths = { lr: part('lr'), momentum: part('momentum'), wd: part('wd'), tail: part('tail') };
  const used = chosen.reduce(
    (sum, race) => sum + costOf(lengths[race.name], armsOf(race, config), searchSeeds.length),
    withRange ? rangeEpochs(range, config) : 0,
  );
  const random = randomTrials(used, lengthOf('momentum', search * shares.momentum), config.epochs);
  return { epochs: Number(epochs.toFixed(2)), epoch_seconds, jobs, range, ...lengths, random };
}

const racesIn = (stages: readonly Stage[]) => races.filter(({ name }) => stages.includes(name));

/** Most curves of range tests. */
const curves = maxScouts + decays.length * searchSeeds.length;

const updatesPerEpoch = (config: ExperimentConfig) => runLength(config, trainSize(config.dataset)).iterationsPerEpoch;

/** Epochs of all range tests together, at most. */
const rangeEpochs = (updates: number, config: ExperimentConfig) => (curves * updates) / updatesPerEpoch(config);

/** A weight decay of 0 is replaced by that of the range tests. */
const armsOf = (race: Race, config: ExperimentConfig) => {
  const start = startOf(config, []);
  return race.arms({ ...start, weight_decay: start.weight_decay || 0.001 }).length;
};

/** The plan in words: a line for each stage, with its cost. */
export function planLines({ plan, asked }: TuneRecord, config: ExperimentConfig): string[] {
  const line = (name: string, what: string, epochs: number, seconds = (epochs * plan.epoch_seconds) / plan.jobs) =>
    `${name.padEnd(9)}${what}: ${epochs.toFixed(1)} epochs, about ${duration(seconds)}`;
  const raceCost = (one: Race) => costOf(plan[one.name], armsOf(one, config), searchSeeds.length);
  const race = (one: Race) => {
    const { epochs, halving } = plan[one.name];
    const early = halving ? `, half of them stopped after ${halving.min_epochs}` : '';
    const what = `${armsOf(one, config)} arms, ${searchSeeds.length} seeds, ${epochs} epochs each${early}`;
    return line(one.name, what, raceCost(one));
  };
  const { trials, length } = plan.random;
  const tests = rangeEpochs(plan.range, config);
  const chosen = racesIn(asked.stages);
  const [random, checked] = [costOf(length, trials, 1), split(plan.epochs, asked.seeds, config).check];
  const check = [
    line('random', `${trials} trials of ${length.epochs} epochs, for comparison`, random),
    line('check', `tuned, untuned and random, ${asked.seeds} seeds`, checked),
  ];
  const total = [
    asked.stages.includes('lr') ? tests : 0,
    ...chosen.map(raceCost),
    ...(asked.stages.includes('check') ? [random, Math.max(checked, checkRuns(asked.seeds))] : []),
  ].reduce((sum, cost) => sum + cost);
  return [
    `${plan.epochs} epochs of ${updatesPerEpoch(config)} updates, ${plan.jobs} runs at a time; an epoch takes ${duration(plan.epoch_seconds)}, estimated from a few training steps`,
    ...(asked.stages.includes('lr')
      ? [
          line(
            'range',
            `up to ${curves} range tests of ${plan.range} updates`,
            tests,
            withScoring * tests * plan.epoch_seconds, // one test at a time
          ),
        ]
      : []),
    ...chosen.map(race),
    ...(asked.stages.includes('check') ? check : []),
    ...(chosen.some(({ name }) => plan[name].epochs < 1)
      ? ['some runs are shorter than one epoch, so their ranking is mostly noise: raise --budget']
      : []),
    ...(total > 1.1 * plan.epochs
      ? [`the shortest recipe takes ${total.toFixed(1)} epochs, more than the budget: raise it, or leave out stages`]
      : []),
  ];
}
