import { notesOf } from '../../compare/cells.js';
import type { Comparison } from '../../compare/comparison.js';
import { randomRule } from '../races.js';
import type { Decision } from '../record.js';
import type { Block } from './blocks.js';
import { runsOf } from './pictures.js';
import type { Tuned } from './tuned.js';
import { settingsWords } from './words.js';

/** The section that compares the tuned config with the untuned one and with random search. */
export async function checkSection(
  check: Comparison,
  { config, record: { asked, decisions, plan } }: Tuned,
): Promise<Block[]> {
  const { sentences, notes } = notesOf(check);
  const [procedure] = notes; // the others are for those who know `clr compare`
  const decisionOf = (stage: Decision['stage']) => decisions.find((decision) => decision.stage === stage)!;
  const { trials, length } = plan.random;
  const stopped = length.halving ? ', with poor ones stopped early' : '';
  return [
    { heading: 'Does it help?', level: 2 },
    {
      text: `Three configs were trained with ${asked.seeds} new seeds each, for ${decisionOf('length').length} epochs: the tuned one; the original one ("untuned"), for as long; and the best of a random search with as many epochs as all other stages together: ${trials} trials with one seed, ${length.epochs} epochs each${stopped}. It drew ${randomRule}. Its best trial had ${settingsWords(decisionOf('random').settings)}.`,
    },
    ...(await runsOf(check, 'check', [...sentences, ...(procedure ? [procedure] : [])])),
    {
      text: config.dataset.holdout
        ? `Seeds and validation images are new: the search was scored on ${config.dataset.holdout} held-out training images, the check on the test images.`
        : 'The seeds are new, but every choice was made on these validation images: the accuracies of the two searched configs may be a little too high. With --set dataset.holdout=5000 the search is scored on training images that are held out instead.',
    },
  ];
}
