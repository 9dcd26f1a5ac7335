/**
 * halving-against-grid.mjs SWEEP-OR-ARM... [--factors 2,3,4] [--seeds N] [--resamples 1000]: which arms successive
 * halving would have kept, of arms that were run in full. N seeds (default: as many as there are) are drawn with
 * replacement, arm by arm; for each such sweep the arm that halving keeps is compared with the one that has the best
 * mean at the end. Prints a Markdown table with a line for each min_epochs and factor.
 */
import { parseArgs } from 'node:util';
import { randomStream } from '../dist/random.js';
import { readMetrics } from '../dist/runs/read-run.js';
import { readRuns } from '../dist/runs/read-runs.js';
import { armsLeft, rank, shareOfCost, stepsOf } from '../dist/sweep/halving.js';

const options = {
  factors: { type: 'string', default: '2,3,4' },
  resamples: { type: 'string', default: '1000' },
  metric: { type: 'string', default: 'val_acc' },
  seeds: { type: 'string' },
};
const { positionals, values } = parseArgs({ allowPositionals: true, options });
const resamples = Number(values.resamples);
const { metric } = values;
const sign = metric === 'val_loss' ? -1 : 1;

/** name of an arm -> for each seed the metric after each epoch */
const curves = new Map();
for (const { name, directory, status } of readRuns(positionals).runs) {
  if (status !== 'completed') continue;
  const curve = readMetrics(directory).map((row) => row[metric]);
  curves.set(name, [...(curves.get(name) ?? []), curve]);
}
if (curves.size < 2) {
  console.error('halving-against-grid.mjs: needs at least two arms with completed runs');
  process.exit(2);
}
const arms = [...curves.keys()];
const epochs = Math.max(...[...curves.values()].flat().map((curve) => curve.length));
const drawn = Number(values.seeds ?? Math.max(...[...curves.values()].map((own) => own.length)));
const seeds = Array.from({ length: drawn }, (_, i) => i);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Each arm's curves, drawn with replacement. */
function resampled(random) {
  return new Map(
    arms.map((arm) => [arm, seeds.map(() => curves.get(arm)[random.integer(0, curves.get(arm).length - 1)])]),
  );
}

function outcome(sweep, halving) {
  const score = (arm, seed, epoch) => sweep.get(arm)[seed][epoch - 1];
  const final = (arm) => sign * mean(seeds.map((seed) => score(arm, seed, epochs)));
  const [best] = arms.toSorted((a, b) => final(b) - final(a));
  const left = armsLeft(arms, rank({ halving, arms, seeds, epochs }, [], score));
  const [kept] = left.toSorted((a, b) => final(b) - final(a));
  return { same: kept === best, lost: final(best) - final(kept) };
}

console.log(`${arms.length} arms, ${drawn} seeds, ${epochs} epochs; ${resamples} resamplings; ${metric}\n`);
console.log(
  '| min_epochs | factor | arms after each ranking | cost | same winner | mean loss where it is another | mean loss |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const factor of values.factors.split(',').map(Number))
  for (const min_epochs of [1, 2, 3, 4, 6, 8, 12, 16, 20].filter((n) => n < epochs)) {
    const halving = { metric, min_epochs, factor };
    const random = randomStream(1, 'bootstrap');
    const outcomes = Array.from({ length: resamples }, () => outcome(resampled(random), halving));
    const others = outcomes.filter(({ same }) => !same).map(({ lost }) => lost);
    const steps = stepsOf(halving, arms.length, epochs);
    const percent = (share) => `${Math.round(100 * share)} %`;
    const cells = [
      min_epochs,
      factor,
      [arms.length, ...steps.map(({ kept }) => kept)].join(', '),
      percent(shareOfCost(steps, arms.length, epochs)),
      percent(1 - others.length / resamples),
      others.length > 0 ? mean(others).toFixed(2) : '-',
      mean(outcomes.map(({ lost }) => lost)).toFixed(3),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
