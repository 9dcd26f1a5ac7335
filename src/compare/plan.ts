import { sequentialDesign } from '../statistics/sequential.js';
import { power, sampleSize } from '../statistics/statistics.js';
import { criticalT } from '../statistics/student-t.js';
import { characteristics, maxSeedsFor, trueDifferences } from '../statistics/studies.js';
import { percent } from './sentence.js';
import { textTable } from './text-table.js';

/** The question, and the spread to plan with. */
export interface PlanQuestion {
  difference: number;
  std: number;
  arms: number;
  alpha: number;
  power: number;
  maxSeeds: number;
  block: number;
  paired: boolean;
}

const listedSeeds = [3, 5, 10, 20];

/** Two tables: the power of a fixed number of seeds, and the expected cost of adding seeds until decided. */
export function planText(question: PlanQuestion, origin: string): string {
  const { difference, arms, alpha } = question;
  const head = `${origin}; difference ${difference}, alpha ${alpha} over ${arms} arm${arms > 1 ? 's' : ''}`;
  return `${[head, '', ...fixedLines(question), '', ...sequentialLines(question)].join('\n')}\n`;
}

function fixedLines({ difference, std, arms, alpha, power: wanted, paired }: PlanQuestion): string[] {
  const test = paired ? 'paired' : 'welch';
  const level = alpha / arms;
  const needed = sampleSize(difference, std, test, level, wanted);
  const half = (n: number) => criticalT(level, paired ? n - 1 : 2 * n - 2) * std * Math.sqrt((paired ? 1 : 2) / n);
  const rows = [...new Set([...listedSeeds, needed])].sort((a, b) => a - b);
  const body = rows.map((n) => [
    String(n),
    `±${half(n).toPrecision(3)}`,
    percent(Number(power(n, difference, std, test, level).toFixed(3))),
  ]);
  const title = `with a fixed number of seeds, ${needed} per arm detect the difference with power ${wanted}`;
  return [title, ...textTable({ head: ['seeds', 'interval', 'power'], body }, 80)];
}

/** Computed by simulating the design. */
export function sequentialLines({ std, power: wanted, arms, ...rest }: PlanQuestion): string[] {
  const question = { ...rest, best: 'high', arms } as const;
  const design = sequentialDesign(question, arms);
  const found = characteristics(design, std, 1000);
  const neededSeeds = maxSeedsFor(question, std, wanted);
  const enough = found[trueDifferences.indexOf(1)]!.different >= wanted - 0.02;
  const body = found.map(({ times, different, equivalent, seeds }) => [
    String(Number((times * rest.difference).toPrecision(12))),
    seeds.toFixed(1),
    percent(Number(different.toFixed(2))),
    percent(Number(equivalent.toFixed(2))),
  ]);
  const needed = `power ${wanted} needs ${neededSeeds} (--max-seeds, or decide.max_seeds in a sweep file)`;
  const advice = enough ? '' : `; too few: ${needed}`;
  return [
    `until decided: blocks of ${rest.block}, at most ${rest.maxSeeds} seeds per arm${advice}`,
    ...textTable({ head: ['true difference', 'expected seeds', 'found different', 'equivalent'], body }, 80),
  ];
}
