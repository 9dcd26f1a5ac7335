import { Command, InvalidArgumentError, Option } from 'commander';
import type { Metric } from '../runs/scores.js';
import { metricOption } from './comparison.js';
import { alpha, positiveInteger, positiveNumber } from './options.js';

interface Flags {
  difference: number;
  std?: number;
  metric?: Metric;
  arms: number;
  alpha: number;
  power: number;
  maxSeeds: number;
  block: number;
  paired?: boolean;
}

/** `clr plan`: how many seeds a question takes, before training any. */
export const planCommand = new Command('plan')
  .description('how many seeds it takes to detect a difference, and how wide the intervals will be')
  .argument('[path...]', 'runs or sweeps from which to estimate the standard deviation between seeds')
  .addOption(new Option('--difference <d>', 'the smallest difference that matters').argParser(positiveNumber))
  .addOption(
    new Option('--std <s>', 'standard deviation between seeds, instead of estimating it from runs').argParser(
      positiveNumber,
    ),
  )
  .addOption(metricOption())
  .addOption(new Option('--arms <n>', 'arms compared with the baseline').argParser(positiveInteger).default(1))
  .addOption(new Option('--alpha <a>', 'chance of any wrong verdict').argParser(alpha).default(0.05))
  .addOption(new Option('--power <p>', 'chance of detecting the difference').argParser(share).default(0.8))
  .addOption(
    new Option('--max-seeds <n>', 'until decided: at most this many seeds per arm')
      .argParser(positiveInteger)
      .default(40),
  )
  .addOption(new Option('--block <n>', 'until decided: seeds between looks').argParser(positiveInteger).default(2))
  .addOption(
    new Option('--paired', 'compare arms seed by seed; --std is then the standard deviation of the differences'),
  )
  .action(async (paths: string[], flags: Flags) => {
    const { planText } = await import('../compare/plan.js');
    const { spreadOf } = await import('../compare/spread.js');
    const { ClrError } = await import('../errors.js');
    if (flags.difference === undefined)
      throw new ClrError(
        'usage',
        '--difference is missing: the smallest difference that matters',
        'e.g. --difference 0.2',
      );
    if (flags.power <= flags.alpha)
      throw new ClrError('usage', `--power ${flags.power} must exceed --alpha ${flags.alpha}`, 'the default is 0.8');
    if (flags.std === undefined && paths.length === 0)
      throw new ClrError(
        'usage',
        'the standard deviation between seeds is missing',
        'name runs, or give it with --std 0.25',
      );
    if (flags.std !== undefined && (paths.length > 0 || flags.metric !== undefined))
      throw new ClrError(
        'usage',
        `--std cannot be combined with ${paths.length > 0 ? 'runs' : '--metric'}`,
        'leave one out: the standard deviation is either given, or estimated from a metric of runs',
      );
    const { std, origin } =
      flags.std === undefined ? spreadOf(paths, flags) : { std: flags.std, origin: `standard deviation ${flags.std}` };
    process.stdout.write(planText({ ...flags, paired: flags.paired ?? false, std }, origin));
  });

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('must be between 0 and 1');
  return value;
}
