import { randomStream } from '../random.js';
import { type Design, type Judgement, judge, sequentialDesign } from './sequential.js';
import { sampleSize } from './statistics.js';

/** The truth that simulated studies are drawn from: normal scores, with a standard deviation per arm. */
export interface Truth {
  /** Each arm's mean minus the baseline's. */
  differences: number[];
  /** That of the baseline, then of each arm; a single number applies to all. */
  std: number | number[];
}

/** The results of many simulated studies with one design. */
export interface Outcome {
  /** For each arm, the share of studies in which it was called better or worse. */
  different: number[];
  equivalent: number[];
  /** The share of studies with a wrong verdict on any arm: called better, worse or equivalent when it is not. */
  wrong: number;
  /** For each arm, the mean number of seeds when it was decided; `maxSeeds` if it was not. */
  seeds: number[];
  /** Mean runs per study, including the baseline's. */
  runs: number;
}

/** Runs `studies` simulated studies. The same seed gives the same studies. */
export function simulate(design: Design, truth: Truth, studies: number, seed = 1): Outcome {
  const arms = truth.differences.length;
  const zeros = () => new Array<number>(arms).fill(0);
  const sum = { different: zeros(), equivalent: zeros(), wrong: 0, seeds: zeros(), runs: 0 };
  for (let study = 0; study < studies; study++) {
    const found = oneStudy(design, truth, seed, study);
    found.forEach(({ verdict, seeds }, i) => {
      if (verdict === 'better' || verdict === 'worse') sum.different[i]!++;
      if (verdict === 'equivalent') sum.equivalent[i]!++;
      sum.seeds[i]! += seeds;
      sum.runs += seeds;
    });
    sum.runs += Math.max(...found.map(({ seeds }) => seeds));
    if (found.some((judgement, i) => isWrong(judgement, truth.differences[i]!, design))) sum.wrong++;
  }
  const share = (counts: number[]) => counts.map((count) => count / studies);
  return {
    different: share(sum.different),
    equivalent: share(sum.equivalent),
    wrong: sum.wrong / studies,
    seeds: share(sum.seeds),
    runs: sum.runs / studies,
  };
}

function oneStudy(design: Design, { differences, std }: Truth, seed: number, study: number): Judgement[] {
  const random = randomStream(seed, 'simulation', study);
  const stds = typeof std === 'number' ? new Array<number>(differences.length + 1).fill(std) : std;
  const draw = (mean: number, arm: number) =>
    Array.from({ length: design.maxSeeds }, () => mean + stds[arm]! * random.normal());
  const baseline = draw(0, 0);
  return differences.map((difference, i) => judge(design, baseline, draw(difference, i + 1)));
}

function isWrong({ verdict }: Judgement, difference: number, design: Design): boolean {
  const better = design.best === 'high' ? difference : -difference;
  if (verdict === 'better') return better <= 0;
  if (verdict === 'worse') return better >= 0;
  return verdict === 'equivalent' && Math.abs(difference) >= design.difference;
}

/**
 * How a design performs if an arm's true difference is `times` the one that matters: the shares of studies that call it
 * different or equivalent, and the mean seeds per arm.
 */
export interface Characteristics {
  times: number;
  different: number;
  equivalent: number;
  seeds: number;
}

/** In multiples of the difference that matters. */
export const trueDifferences = [0, 0.5, 1, 2];

/** For one arm; `std`: between seeds (paired: of the differences). */
export function characteristics(design: Design, std: number, studies = 2000): Characteristics[] {
  return trueDifferences.map((times) => {
    const truth = { differences: [times * design.difference], std: design.paired ? std / Math.SQRT2 : std };
    const { different, equivalent, seeds } = simulate(design, truth, studies);
    return { times, different: different[0]!, equivalent: equivalent[0]!, seeds: seeds[0]! };
  });
}

/** Seeds per arm up to which designs are searched; a thousand studies of that size take about a second. */
const searched = 200;

/**
 * The fewest seeds, in whole blocks, with which the design has `power` at `difference`; at least a fixed design's. In
 * words if they are more than 200 and more than `maxSeeds`: larger designs are not simulated.
 */
export function maxSeedsFor(
  question: Omit<Design, 'looks' | 'levels'>,
  std: number,
  power: number,
): number | `more than ${number}` {
  const { block, difference, arms, alpha, paired } = question;
  const most = Math.max(searched, question.maxSeeds);
  const fixed = sampleSize(difference, std, paired ? 'paired' : 'welch', alpha / arms, power);
  const whole = (n: number) => Math.max(2, block * Math.ceil(n / block));
  const truth = { differences: [difference], std: paired ? std / Math.SQRT2 : std };
  const found = (maxSeeds: number) =>
    simulate(sequentialDesign({ ...question, maxSeeds }, arms), truth, 1000).different[0]! >= power;
  for (let n = whole(fixed); n <= Math.max(most, block); n = whole(n * 1.05 + block / 2)) if (found(n)) return n;
  return `more than ${most}`;
}
