import path from 'node:path';
import { stepsOf } from '../../sweep/halving.js';
import { type Length, searchSeeds } from '../budget.js';
import { howSure, ranking } from '../race.js';
import type { Race } from '../races.js';
import { startOf } from '../settings.js';
import type { Block } from './blocks.js';
import { runsOf } from './pictures.js';
import type { Tuned } from './tuned.js';
import { edgeOf, settingsWords } from './words.js';

/** The section on a race, with its runs and its result; empty: it was not held. */
export async function raceSection(race: Race, about: Tuned): Promise<Block[]> {
  const held = heldRace(race, about);
  if (!held) return [];
  const { comparison, before, chosen, edge } = held;
  const length = about.record.plan[race.name];
  const { epochs } = length;
  const short = epochs < 1 ? ' Runs shorter than one epoch rank arms poorly: a larger budget would help.' : '';
  return [
    { heading: `${race.title}: ${chosen}`, level: 2 },
    { text: `Rule: ${race.rule} Source: ${race.source}.` },
    {
      text: `Runs: ${searchSeeds.length} seeds per arm, ${epochs} epochs each${stops(length, race.arms(before).length)}.${short} All have ${settingsWords(before, race.key)}.`,
    },
    ...(await runsOf(comparison, race.name, comparison.halving ? [comparison.halving] : [])),
    { text: `Result: ${chosen}${edge}. ${sentence(howSure(comparison))}.` },
  ];
}

/** A race's comparison and decision, the settings before it, and a remark if an extreme won; undefined: not held. */
export function heldRace(race: Race, { directory, config, record: { asked, decisions } }: Tuned) {
  const at = decisions.findIndex(({ stage }) => stage === race.name);
  const comparison = at < 0 ? undefined : ranking(path.join(directory, race.name));
  if (!comparison) return undefined;
  const before = decisions[at - 1]?.settings ?? startOf(config, asked.stages);
  const { chosen, settings } = decisions[at]!;
  const tried = race.arms(before).map((arm) => arm.settings[race.key]);
  return { comparison, before, chosen, edge: edgeOf(settings[race.key], tried, 'value') };
}

/** When arms are stopped; empty: never. */
function stops({ halving, epochs }: Length, arms: number): string {
  const steps = halving ? stepsOf(halving, arms, epochs).map(({ epoch }) => epoch) : [];
  if (steps.length === 0) return '';
  const when = steps.length > 1 ? `epochs ${steps.slice(0, -1).join(', ')} and ${steps.at(-1)}` : `epoch ${steps[0]}`;
  return `; after ${when} the worse half of the arms left is stopped`;
}

const sentence = (text: string) => text[0]!.toUpperCase() + text.slice(1);
