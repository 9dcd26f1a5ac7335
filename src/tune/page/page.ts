import { lrMomentum } from '../../charts/lr-momentum.js';
import type { ExperimentConfig } from '../../config/schema.js';
import { duration } from '../../terminal/duration.js';
import { scheduleRows } from '../../training/schedule-table.js';
import { checkOf } from '../race.js';
import { races } from '../races.js';
import type { TuneRecord } from '../record.js';
import type { Block } from './blocks.js';
import { checkSection } from './check-section.js';
import { chosenTable } from './chosen.js';
import { image } from './pictures.js';
import { raceSection } from './race-section.js';
import { rangeSection } from './range-section.js';
import type { Tuned } from './tuned.js';

/** The page: what was chosen, whether it helps, and each decision with its rule, its curves and its numbers. */
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
      text: 'All runs except the LR range tests and the untuned config use one cycle of the learning rate ("1cycle", the schedule clr-beta): it rises from a tenth of its highest value, falls back over the same number of steps, and ends in a short tail, which goes from that tenth down to a thousandth of the highest value. A cycled momentum goes the other way: down while the learning rate rises.',
    },
    { heading: 'What was chosen', level: 2 },
    chosenTable(about),
    await image('schedule.png', 'learning rate and momentum over the run', schedule(tuned)),
    { text: tunedWords(config, tuned) },
    ...(checked ? await checkSection(checked, about) : []),
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
    ...(await rangeSection(about)),
    ...(await Promise.all(races.map((race) => raceSection(race, about)))).flat(),
    { heading: 'Time taken', level: 2 },
    costTable(record),
    {
      text: 'tune.csv lists every run. The run folders are beside this page: clr compare, clr report and clr plot read them.',
    },
  ];
}

function tunedWords(config: ExperimentConfig, { epochs }: ExperimentConfig): string {
  const longer = config.epochs > epochs ? `; --epochs ${config.epochs} trains for as long as the original config` : '';
  return `tuned.json is the config with these values: clr run tuned.json trains it for ${epochs} epochs${longer}.`;
}

function schedule(tuned: ExperimentConfig) {
  return lrMomentum([...scheduleRows(tuned)], { title: 'The schedule chosen', subtitle: [`${tuned.epochs} epochs`] });
}

function costTable({ decisions }: TuneRecord): Block {
  const timed = decisions.filter(({ stage }) => stage !== 'length');
  const total = timed.reduce((sum, { stage, seconds }) => (stage === 'random' ? sum : sum + seconds), 0);
  const rows = timed.map(({ stage, seconds }) => [stage === 'random' ? 'random search' : stage, duration(seconds)]);
  return { head: ['stage', 'time'], body: [...rows, ['the recipe: all but the random search', duration(total)]] };
}
