import path from 'node:path';
import type { ExperimentConfig } from '../config/schema.js';
import { writeJson } from '../runs/run-folder.js';
import { makeFolders, removeTemporaries } from '../system/atomic.js';
import { lockFolder } from '../system/lock.js';
import { checkLength, checkRuns, costOf, firstCheckSeed, searchSeeds, split } from './budget.js';
import { runArms, type TuneOptions, winner } from './race.js';
import { type Race, races, randomSettings } from './races.js';
import { chooseDecay, lrfind, rangeTests } from './range.js';
import { configFile, type Decision, readRecord, type TuneRecord, writeRecord } from './record.js';
import { configWith, digits, onTestImages, type Settings, startOf, untuned } from './settings.js';
import { carryOut, type Found } from './stage.js';

/**
 * Carries out the recipe, decision by decision; recorded decisions are kept. `report` is called at the start and after
 * each decision. Throws ClrError('usage') if the folder began with other settings, the signal's reason if aborted.
 */
export async function tune(
  config: ExperimentConfig,
  asked: TuneRecord['asked'],
  makePlan: () => Promise<TuneRecord['plan']>,
  options: TuneOptions,
  report: (record: TuneRecord) => void,
): Promise<TuneRecord> {
  const { directory } = options;
  makeFolders(directory);
  const unlock = lockFolder(directory, options);
  try {
    removeTemporaries(directory);
    const record = readRecord(directory, config, asked) ?? { asked, plan: await makePlan(), decisions: [] };
    writeJson(directory, 'config.json', config);
    writeRecord(directory, record);
    report(record);
    for (const [stage, decide] of stagesOf(config, record, options)) {
      if (record.decisions.some((decision) => decision.stage === stage)) continue;
      await carryOut(directory, record, stage, () => decide(settingsSoFar(config, record)));
      report(record);
    }
    const { length } = record.decisions.at(-1) ?? {};
    if (length !== undefined) await check(record, length, options);
    return record;
  } finally {
    unlock();
  }
}

/** The settings that the recipe has decided so far. */
export function settingsSoFar(config: ExperimentConfig, { asked, decisions }: TuneRecord): Settings {
  return decisions.findLast(({ stage }) => stage !== 'random')?.settings ?? startOf(config, asked.stages);
}

type Stages = [Decision['stage'], (current: Settings) => Promise<Found>][];

function stagesOf(config: ExperimentConfig, record: TuneRecord, options: TuneOptions): Stages {
  const { stages } = record.asked;
  const chosen = races.filter(({ name }) => stages.includes(name));
  return [
    ...(stages.includes('lr') ? [['range', (current: Settings) => decideRange(record, current, options)]] : []),
    ...chosen.map((race) => [race.name, (current: Settings) => decideRace(race, record, current, options)]),
    ...(stages.includes('check')
      ? [
          ['random', () => searchAtRandom(record, options)],
          ['length', async (current: Settings) => decideLength(config, record, current)],
        ]
      : []),
  ] as Stages;
}

async function decideRange({ plan }: TuneRecord, current: Settings, options: TuneOptions): Promise<Found> {
  const { directory, data, cache, signal } = options;
  const flags = ['--cache', cache, ...(data === undefined ? [] : ['--data', data])];
  const find = (more: string[]) => lrfind(configFile(directory), [...more, ...flags], signal);
  const folder = path.join(directory, 'range');
  const tests = await rangeTests({ directory: folder, iterations: plan.range, seeds: searchSeeds, find });
  const { max_lr, weight_decay, low, high } = chooseDecay(tests);
  return {
    chosen: `LR up to ${max_lr}, weight decay ${weight_decay}`,
    sure: `the seeds' LRs: ${digits(low)} to ${digits(high)}`,
    settings: { ...current, max_lr, weight_decay },
  };
}

async function decideRace(race: Race, { plan }: TuneRecord, current: Settings, options: TuneOptions): Promise<Found> {
  const arms = race.arms(current);
  const { settings, sure } = await best(race.name, arms, searchSeeds, plan[race.name], options);
  return { chosen: race.chosen(settings), sure, settings };
}

async function searchAtRandom({ plan }: TuneRecord, options: TuneOptions): Promise<Found> {
  const { trials, length } = plan.random;
  const { arm, settings, sure } = await best(
    'random',
    randomSettings(trials),
    searchSeeds.slice(0, 1),
    length,
    options,
  );
  return { chosen: `${arm} of ${trials}`, sure, settings };
}

async function best(
  name: string,
  arms: { name: string; settings: Settings }[],
  seeds: number[],
  length: TuneRecord['plan']['lr'],
  options: TuneOptions,
) {
  const { directory } = options;
  const withConfigs = arms.map((arm) => ({
    name: arm.name,
    config: configWith(configFile(directory), arm.name, arm.settings, length.epochs),
  }));
  await runArms(name, withConfigs, seeds, length, options);
  const { arm, sure } = winner(path.join(directory, name));
  return { arm, sure, settings: arms.find((one) => one.name === arm)!.settings };
}

/** If the budget is a time, from what the search really took. */
function decideLength(config: ExperimentConfig, record: TuneRecord, current: Settings): Found {
  const { asked, plan, decisions } = record;
  const runs = checkRuns(asked.seeds);
  const left =
    'epochs' in asked.budget
      ? split(plan.epochs, asked.seeds, config).check
      : epochsLeft(asked.budget.seconds, plan, decisions);
  const length = checkLength(left, runs, config);
  const sure = `${digits(left, 3)} epochs are left for ${runs} runs`;
  return { chosen: `${length} epochs`, sure, settings: current, length };
}

function epochsLeft(budget: number, plan: TuneRecord['plan'], decisions: readonly Decision[]): number {
  const spent = decisions.reduce((sum, { seconds }) => sum + seconds, 0);
  const random = decisions.at(-1)!; // the stage before this one
  const { trials, length } = plan.random;
  const epochsPerSecond = costOf(length, trials, 1) / Math.max(1, random.seconds); // seconds are whole, so may be 0
  return Math.max(0, (budget - spent) * epochsPerSecond);
}

async function check({ asked, decisions }: TuneRecord, epochs: number, options: TuneOptions): Promise<void> {
  const file = configFile(options.directory);
  const settingsAfter = (stage: Decision['stage']) => decisions.find((decision) => decision.stage === stage)!.settings;
  const arms = [
    configWith(file, 'tuned', settingsAfter('length'), epochs),
    untuned(file, 'untuned', epochs),
    configWith(file, 'random search', settingsAfter('random'), epochs),
  ].map((config) => ({ name: config.name, config: onTestImages(config) }));
  const seeds = Array.from({ length: asked.seeds }, (_, i) => firstCheckSeed + i);
  await runArms('check', arms, seeds, {}, options);
}

/** tuned.json: the config as decided so far, for `clr run`. */
export function tunedConfig(directory: string, config: ExperimentConfig, record: TuneRecord): ExperimentConfig {
  const { length = config.epochs } = record.decisions.at(-1) ?? {};
  return onTestImages(configWith(configFile(directory), `${config.name} tuned`, settingsSoFar(config, record), length));
}
