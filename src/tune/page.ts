import path from 'node:path';
import { lrMomentum } from '../charts/lr-momentum.js';
import { renderPng } from '../charts/render.js';
import { cells, notesOf } from '../compare/cells.js';
import { compareChart } from '../compare/charts/charts.js';
import type { Comparison } from '../compare/comparison.js';
import { readCurves } from '../compare/read-curves.js';
import type { ExperimentConfig } from '../config/schema.js';
import { duration } from '../terminal/duration.js';
import { scheduleRows } from '../training/schedule-table.js';
import type { Block } from './blocks.js';
import { searchSeeds } from './budget.js';
import { checkOf, howSure, ranking } from './race.js';
import { type Race, races, randomRule } from './races.js';
import { comparePeaks, decays, rangeRule, rangeSource } from './range.js';
import { rangeChart } from './range-chart.js';
import { drawnTests } from './range-tests.js';
import type { Decision, TuneRecord } from './record.js';
import { digits, momentumWords, type Settings, settingsOf } from './settings.js';

/** What the page is about. */
export interface Tuned {
  directory: string;
  config: ExperimentConfig;
  record: TuneRecord;
  settings: Settings;
  /** The config with these settings. */
  tuned: ExperimentConfig;
}

/** The page: what was chosen, whether it was worth it, and each decision with its rule, its curves and its numbers. */
export async function pageOf(about: Tuned): Promise<Block[]> {
  const { directory, config, record, tuned } = about;
  const checked = checkOf(directory, record);
  const { model, dataset, optimizer } = config;
  return [
    { heading: `${config.name}: tuned`, level: 1 },
    {
      text: 'How fast a net learns, and how well, depends on a few settings that cannot be calculated in advance: the learning rate (LR: how far each update goes), the momentum (how much of the previous updates carries over), the weight decay (how strongly weights are pulled to zero), and how the learning rate changes over the run. Here they were set by short training runs. Each section gives the rule, the runs, the result, and how certain it is.',
    },
    {
      text: `Net: ${model.type}; data: ${dataset.type}; batches of ${config.batch_size}; optimizer: ${optimizer.type}. config.json has everything else.`,
    },
    {
      text: 'All runs except the LR range tests use one cycle of the learning rate ("1cycle", the schedule clr-beta): it rises from a tenth of its highest value, falls back over the same number of steps, and ends in a short tail, which goes from that tenth down to a thousandth of the highest value. A cycled momentum goes the other way: down while the learning rate rises.',
    },
    { heading: 'What was chosen', level: 2 },
    chosenTable(about),
    await image('schedule.png', 'learning rate and momentum over the run', schedule(tuned)),
    { text: 'tuned.json is the config with these values: clr run tuned.json trains it.' },
    ...(checked ? await checkBlocks(checked, record) : []),
    { heading: 'How to read the tables', level: 2 },
    {
      items: [
        'an arm is one of the values to choose from, trained with several seeds; n is how many of its runs ran to completion',
        'val acc: mean accuracy on the validation images after the last epoch ± standard deviation over the seeds; every choice uses it, so the accuracy of a chosen arm is biased upward',
        "difference: from the baseline, which is the best arm, and in the check the tuned config; its 95 % interval and p are from Welch's t-test, and hold for all arms of the table together (Bonferroni)",
        'P(A>B): the chance that a run of the arm beats a run of the baseline, with its 95 % interval',
        'undecided: the interval contains 0, so the runs cannot separate the two, and the higher mean was taken; with two seeds per arm most are',
      ],
    },
    ...(await rangeBlocks(about)),
    ...(await Promise.all(races.map((race) => raceBlocks(race, about)))).flat(),
    { heading: 'Time taken', level: 2 },
    costTable(record),
    {
      text: 'tune.csv lists every run. The run folders are beside this page: clr compare, clr report and clr plot read them.',
    },
  ];
}

function chosenTable(about: Tuned): Block {
  const { config, settings: now, record } = about;
  const before = config.schedule as Record<string, unknown>;
  const why = (name: Race['name']) => {
    const held = heldRace(races.find((race) => race.name === name)!, about);
    if (!held) return 'not asked';
    const { comparison, edge } = held;
    const sure = howSure(comparison, { short: true });
    return `of ${comparison.rows.length} arms, ${record.plan[name].epochs} epochs each${edge}: ${sure}`;
  };
  const length = record.decisions.find(({ stage }) => stage === 'length');
  return {
    head: ['what', 'before', 'chosen', 'why'],
    body: [
      [
        'schedule',
        String(before.type),
        'clr-beta',
        'the recipe always takes one cycle, as in arXiv:1803.09820; the check below tells whether it pays',
      ],
      ['highest LR', String(before.max_lr ?? before.lr ?? '-'), String(now.max_lr), why('lr')],
      [
        'lowest LR of the cycle',
        '-',
        String(digits(now.max_lr / 10)),
        'a tenth of the highest, as in arXiv:1803.09820',
      ],
      ['momentum', String(before.momentum ?? '-'), momentumWords(now), why('momentum')],
      ['weight decay', String(settingsOf(config).weight_decay), String(now.weight_decay), why('wd')],
      ['tail', '-', `${now.tail} % of the run`, why('tail')],
      [
        'length',
        `${config.epochs} epochs`,
        `${length?.length ?? config.epochs} epochs`,
        length ? `what the budget leaves, at most as before: ${length.sure} of the check` : 'not asked',
      ],
    ],
  };
}

function schedule(tuned: ExperimentConfig) {
  return lrMomentum(scheduleRows(tuned), { title: 'The schedule chosen', subtitle: [`${tuned.epochs} epochs`] });
}

async function checkBlocks(check: Comparison, { asked, decisions, plan }: TuneRecord): Promise<Block[]> {
  const { sentences, notes } = notesOf(check);
  const [procedure] = notes; // the others are for those who know `clr compare`
  const of = (stage: Decision['stage']) => decisions.find((decision) => decision.stage === stage)!;
  const { trials, length } = plan.random;
  const stopped = length.halving ? ', with poor ones stopped early' : '';
  return [
    { heading: 'Was it worth it?', level: 2 },
    {
      text: `Three configs were trained with ${asked.seeds} new seeds each, for ${of('length').length} epochs: the tuned one; the original one ("untuned"), for as long; and the best of a random search with as many epochs as all other stages together: ${trials} trials with one seed, ${length.epochs} epochs each${stopped}. It drew ${randomRule}. Its best trial had ${settingsWords(of('random').settings)}.`,
    },
    ...(await runsOf(check, 'check', [...sentences, ...(procedure ? [procedure] : [])])),
    {
      text: 'The seeds are new, but every choice was made on these validation images: the accuracies of the two searched configs may be a little too high.',
    },
  ];
}

function settingsWords(settings: Settings, without?: keyof Settings): string {
  const words: [keyof Settings, string][] = [
    ['max_lr', `highest LR ${settings.max_lr}`],
    ['weight_decay', `weight decay ${settings.weight_decay}`],
    ['max_momentum', `momentum ${momentumWords(settings)}`],
    ['tail', `tail ${settings.tail} %`],
  ];
  return words.flatMap(([key, text]) => (key === without ? [] : [text])).join(', ');
}

async function rangeBlocks({ directory, record: { decisions, plan } }: Tuned): Promise<Block[]> {
  const range = decisions.find(({ stage }) => stage === 'range');
  if (!range) return [];
  const tests = drawnTests(path.join(directory, 'range'));
  const readings = decays.map((weight_decay) => ({
    weight_decay,
    readings: tests.filter((test) => test.weight_decay === weight_decay).map(({ reading }) => reading),
  }));
  const { max_lr, weight_decay } = range.settings;
  const peaks = comparePeaks(readings);
  return [
    { heading: `LR range tests: LR up to ${max_lr}, weight decay ${weight_decay}`, level: 2 },
    { text: `Rule: ${rangeRule} Source: ${rangeSource}.` },
    { text: `Runs: ${searchSeeds.length} seeds for each weight decay, ${plan.range} updates each.` },
    await image('range.png', 'validation accuracy against learning rate', rangeChart(tests, range.settings)),
    {
      head: [
        'weight decay',
        'accuracy stops rising at LR',
        'peaks (%)',
        'mean peak',
        'below the highest',
        'two standard errors',
      ],
      body: decays.map((decay) => {
        const peak = peaks.find((one) => one.weight_decay === decay);
        if (!peak) return [String(decay), 'learns nothing', '-', '-', '-', '-'];
        const lrs = peak.known.map(({ lr }) => digits(lr)).join(', ');
        const each = peak.known.map((reading) => reading.peak.toFixed(1)).join(', ');
        const numbers = [peak.peak, peak.below, peak.allowed].map((number) => number.toFixed(1));
        return [`${decay}${decay === weight_decay ? ' (taken)' : ''}`, lrs, each, ...numbers];
      }),
    },
    { text: `Result: ${range.chosen}${edgeOf(weight_decay, decays, 'weight decay')}.` },
  ];
}

async function raceBlocks(race: Race, about: Tuned): Promise<Block[]> {
  const held = heldRace(race, about);
  if (!held) return [];
  const { comparison, before, chosen, edge } = held;
  const { epochs, halving } = about.record.plan[race.name];
  const early = halving
    ? `; the worse half is stopped after ${halving.min_epochs} epochs, and again after twice as many`
    : '';
  return [
    { heading: `${race.title}: ${chosen}`, level: 2 },
    { text: `Rule: ${race.rule} Source: ${race.source}.` },
    {
      text: `Runs: ${searchSeeds.length} seeds per arm, ${epochs} epochs each${early}. All have ${settingsWords(before, race.key)}.`,
    },
    ...(await runsOf(comparison, race.name, comparison.halving ? [comparison.halving] : [])),
    { text: `Result: ${chosen}${edge}. ${sentence(howSure(comparison))}.` },
  ];
}

/** A race with its decision, the settings that it began with, and whether the best is the last value tried; undefined: not held. */
function heldRace(race: Race, { directory, config, record: { decisions } }: Tuned) {
  const at = decisions.findIndex(({ stage }) => stage === race.name);
  const comparison = at < 0 ? undefined : ranking(path.join(directory, race.name));
  if (!comparison) return undefined;
  const before = decisions[at - 1]?.settings ?? settingsOf(config);
  const { chosen, settings } = decisions[at]!;
  const tried = race.arms(before).map((arm) => arm.settings[race.key]);
  return { comparison, before, chosen, edge: edgeOf(settings[race.key], tried, 'value') };
}

/** Where the best may lie outside of what was tried. */
function edgeOf(chosen: number, tried: readonly number[], what: string): string {
  const [lowest, highest] = [Math.min(...tried), Math.max(...tried)];
  if (lowest === highest || (chosen !== lowest && chosen !== highest)) return '';
  return ` (the ${chosen === lowest ? 'lowest' : 'highest'} ${what} tried)`;
}

const sentence = (text: string) => text[0]!.toUpperCase() + text.slice(1);

/** The table and the chart of a folder's runs, with what is to be said of them. */
async function runsOf(comparison: Comparison, name: string, items: string[]): Promise<Block[]> {
  const curves = readCurves(comparison, () => {}); // a curve that cannot be read is not drawn
  const alt = `accuracy of the arms of ${name}: each run, and over epochs`;
  const chart = await image(`${name}.png`, alt, compareChart(comparison, curves));
  return [cells(comparison), ...(items.length > 0 ? [{ items }] : []), chart];
}

async function image(name: string, alt: string, spec: Parameters<typeof renderPng>[0]): Promise<Block> {
  return { image: name, alt, bytes: await renderPng(spec) };
}

function costTable({ decisions }: TuneRecord): Block {
  const timed = decisions.filter(({ stage }) => stage !== 'length');
  const total = timed.reduce((sum, { stage, seconds }) => (stage === 'random' ? sum : sum + seconds), 0);
  const rows = timed.map(({ stage, seconds }) => [stage === 'random' ? 'random search' : stage, duration(seconds)]);
  return { head: ['stage', 'time'], body: [...rows, ['the recipe: all but the random search', duration(total)]] };
}
