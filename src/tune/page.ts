import path from 'node:path';
import { renderPng } from '../charts/render.js';
import { cells, notesOf } from '../compare/cells.js';
import { compareChart } from '../compare/charts/charts.js';
import type { Comparison } from '../compare/comparison.js';
import { readCurves } from '../compare/read-curves.js';
import type { ExperimentConfig } from '../config/schema.js';
import { duration } from '../terminal/duration.js';
import type { Block } from './blocks.js';
import { searchSeeds } from './budget.js';
import { checkOf, ranking } from './race.js';
import { races, randomRule } from './races.js';
import { rangeRule, rangeSource } from './range.js';
import { rangeChart } from './range-chart.js';
import { drawnTests } from './range-tests.js';
import type { Decision, TuneRecord } from './record.js';
import { digits, momentumWords, type Settings, settingsOf } from './settings.js';

/** The page: what was chosen, whether it was worth it, and each decision with its rule, its curves and its numbers. */
export async function pageOf(
  directory: string,
  config: ExperimentConfig,
  record: TuneRecord,
  settings: Settings,
): Promise<Block[]> {
  const checked = checkOf(directory, record);
  return [
    { heading: `${config.name}: tuned`, level: 1 },
    {
      text: `How fast a net learns, and how well, depends on a few numbers that nobody can compute: the learning rate (how far each update goes), the momentum (how much of the last updates it keeps), the weight decay (how strongly weights are pulled to zero) and the shape of the learning rate over the run. This page says how they were set for ${config.name} by short training runs: each by a rule that stands beside it, with how sure it is. No number was set by hand.`,
    },
    {
      text: 'All runs have one cycle of the learning rate ("1cycle"): it rises from a tenth of its highest value, falls back as long, and ends in a short tail that falls to a hundredth of where it began. A cycled momentum goes the other way: down while the learning rate rises.',
    },
    { heading: 'What was chosen', level: 2 },
    chosenTable(config, record, settings),
    {
      text: 'Accuracies are those of the validation images; two runs of one config with different seeds differ by chance. "Undecided" means that the runs do not tell the two apart: the choice is then only the better mean.',
    },
    { text: 'tuned.json is the config with these values, for clr run.' },
    ...(checked ? await checkBlocks(checked, record) : []),
    ...(await decisionBlocks(directory, record)),
    { heading: 'What it took', level: 2 },
    costTable(record),
    {
      text: 'tune.csv has every run. The runs themselves lie in the folders beside this page: clr compare, clr report and clr plot read them.',
    },
  ];
}

function chosenTable(config: ExperimentConfig, { decisions }: TuneRecord, now: Settings): Block {
  const before = config.schedule as Record<string, unknown>;
  const first = settingsOf(config);
  const of = (...stages: Decision['stage'][]) =>
    decisions.findLast(({ stage }) => stages.includes(stage))?.sure ?? 'not asked';
  const length = decisions.find(({ stage }) => stage === 'length');
  return {
    head: ['what', 'before', 'chosen', 'how sure'],
    body: [
      ['schedule', String(before.type), 'one cycle (clr-beta)', 'by the recipe'],
      ['highest learning rate', String(before.max_lr ?? before.lr ?? '-'), String(now.max_lr), of('lr', 'range')],
      ['lowest learning rate of the cycle', '-', String(digits(now.max_lr / 10)), 'by the recipe: a tenth'],
      ['momentum', String(before.momentum ?? '-'), momentumWords(now), of('momentum')],
      ['weight decay', String(first.weight_decay), String(now.weight_decay), of('wd', 'range')],
      ['tail', '-', `${now.tail} % of the run`, of('tail')],
      ['length', `${config.epochs} epochs`, `${length?.length ?? config.epochs} epochs`, length?.sure ?? 'not asked'],
    ],
  };
}

async function checkBlocks(check: Comparison, { asked, decisions, plan }: TuneRecord): Promise<Block[]> {
  const { sentences, notes } = notesOf(check);
  const random = decisions.find(({ stage }) => stage === 'random')!;
  const { length } = decisions.find(({ stage }) => stage === 'length')!;
  return [
    { heading: 'Was it worth it?', level: 2 },
    {
      text: `Three configs were trained with ${asked.seeds} new seeds each, for ${length} epochs: the tuned one; the config as it was ("untuned"); and the best of a random search that was given as many epochs as the whole recipe: ${plan.random.trials} trials of one seed, ${plan.random.length.epochs} epochs${plan.random.length.halving ? ', those behind stopped early' : ''}. It drew from: ${randomRule}. Its best was ${settingsWords(random.settings)}.`,
    },
    ...(await runsOf(check, 'check', [...sentences, ...notes])),
    {
      text: 'The seeds are new, the validation images are the ones that every choice was made by: all three accuracies may be a little optimistic, the two searched ones more.',
    },
  ];
}

function settingsWords(settings: Settings): string {
  const { max_lr, weight_decay, tail } = settings;
  return `highest LR ${max_lr}, weight decay ${weight_decay}, momentum ${momentumWords(settings)}, tail ${tail} %`;
}

async function decisionBlocks(directory: string, { decisions, plan }: TuneRecord): Promise<Block[]> {
  const blocks: Block[] = [];
  const range = decisions.find(({ stage }) => stage === 'range');
  if (range) {
    const tests = drawnTests(path.join(directory, 'range'));
    blocks.push(
      { heading: `Learning rate and weight decay: ${range.chosen}`, level: 2 },
      { text: `Rule: ${rangeRule} Source: ${rangeSource}.` },
      await image('range.png', 'validation accuracy against learning rate', rangeChart(tests, range.settings)),
      {
        head: ['weight decay', 'seed', 'accuracy stops rising at LR', 'peak of the accuracy (%)'],
        body: tests.map(({ weight_decay, seed, reading }) => [
          `${weight_decay}${weight_decay === range.settings.weight_decay ? ' (chosen)' : ''}`,
          String(seed),
          reading ? String(digits(reading.lr)) : 'learns nothing',
          reading ? reading.peak.toFixed(1) : '-',
        ]),
      },
      { text: `Decision: ${range.chosen}; ${range.sure}.` },
    );
  }
  for (const race of races) {
    const decision = decisions.find(({ stage }) => stage === race.name);
    if (!decision) continue;
    blocks.push(
      { heading: `${race.title}: ${decision.chosen}`, level: 2 },
      { text: `Rule: ${race.rule} Source: ${race.source}.` },
      { text: `Runs: ${searchSeeds.length} seeds an arm, ${plan[race.name].epochs} epochs each.` },
      ...(await raceBlocks(directory, race.name)),
      { text: `Decision: ${decision.chosen}. How sure: ${decision.sure}.` },
    );
  }
  return blocks;
}

async function raceBlocks(directory: string, name: string): Promise<Block[]> {
  const comparison = ranking(path.join(directory, name));
  return comparison ? runsOf(comparison, name, comparison.halving ? [comparison.halving] : []) : [];
}

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
  const rows = decisions
    .filter(({ stage }) => stage !== 'length')
    .map(({ stage, seconds }) => [stage, duration(seconds)]);
  return { head: ['stage', 'time'], body: rows };
}
