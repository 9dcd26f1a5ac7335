import { howSure } from '../race.js';
import { type Race, races } from '../races.js';
import { digits, momentumOf, momentumWords, startOf } from '../settings.js';
import type { Block } from './blocks.js';
import { heldRace } from './race-section.js';
import type { Tuned } from './tuned.js';

/** A table of each setting before and after, and why. */
export function chosenTable(about: Tuned): Block {
  const { config, settings: now, record } = about;
  const before = config.schedule as Record<string, unknown>;
  const why = (name: Race['name'], otherwise = 'not tuned') => {
    const held = heldRace(races.find((race) => race.name === name)!, about);
    if (!held) return otherwise;
    const { comparison, edge } = held;
    const sure = howSure(comparison, { short: true });
    return `chosen from ${comparison.rows.length} arms, ${record.plan[name].epochs} epochs each${edge}: ${sure}`;
  };
  const { stages } = record.asked;
  const [withRange, checked] = [stages.includes('lr'), stages.includes('check')];
  const length = record.decisions.find(({ stage }) => stage === 'length');
  return {
    head: ['setting', 'before', 'chosen', 'why'],
    body: [
      [
        'schedule',
        String(before.type),
        'clr-beta',
        `the recipe always uses one cycle, as in arXiv:1803.09820${checked ? '; the check below tests whether it helps' : ''}`,
      ],
      ['highest LR', String(before.max_lr ?? before.lr ?? '-'), String(now.max_lr), why('lr')],
      [
        'lowest LR of the cycle',
        '-',
        String(digits(now.max_lr / 10)),
        'a tenth of the highest, as in arXiv:1803.09820',
      ],
      ['momentum', momentumOf(before) ?? '-', momentumWords(now), why('momentum')],
      [
        'weight decay',
        String(startOf(config, stages).weight_decay),
        String(now.weight_decay),
        why('wd', withRange ? 'chosen by the LR range tests' : 'not tuned'),
      ],
      ['tail', '-', `${now.tail} % of the run`, why('tail', 'not tuned; the default')],
      [
        'length',
        `${config.epochs} epochs`,
        `${length?.length ?? config.epochs} epochs`,
        length ? `set by the remaining budget, at most the original length: ${length.sure} of the check` : 'not tuned',
      ],
    ],
  };
}
