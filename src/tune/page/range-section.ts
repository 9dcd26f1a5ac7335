import path from 'node:path';
import { searchSeeds } from '../budget.js';
import { comparePeaks, decays, rangeRule, rangeSource } from '../range.js';
import { digits } from '../settings.js';
import type { Block } from './blocks.js';
import { image } from './pictures.js';
import { rangeChart } from './range-chart.js';
import { drawnTests } from './range-tests.js';
import type { Tuned } from './tuned.js';
import { edgeOf } from './words.js';

/** The section on the LR range tests; empty: there were none. */
export async function rangeSection({ directory, record: { decisions, plan } }: Tuned): Promise<Block[]> {
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
        return [`${decay}${decay === weight_decay ? ' (chosen)' : ''}`, lrs, each, ...numbers];
      }),
    },
    { text: `Result: ${range.chosen}${edgeOf(weight_decay, decays, 'weight decay')}.` },
  ];
}
