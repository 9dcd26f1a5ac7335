import { Command, InvalidArgumentError, Option } from 'commander';
import type { Smoothing } from '../lr-finder/curves.js';
import type { CurveSummary, FinderSummary, Plan } from '../lr-finder/finder.js';
import { shipped } from '../system/root.js';
import { quoted } from '../system/shell.js';
import {
  addShorthands,
  type ConfigFlags,
  cacheOption,
  configFromFlags,
  dataOption,
  overrideOption,
  positiveInteger,
  positiveNumber,
  runsOption,
  setOption,
  verboseOption,
} from './options.js';
import { listenForSignals } from './signals.js';

interface PlanFlags extends ConfigFlags {
  momentum?: number[];
  weightDecay?: number[];
  batchSize?: number[];
  /** As for `clr run`. */
  seeds?: string;
  seed?: number;
}

interface Flags extends PlanFlags {
  start: number;
  end: number;
  linear?: boolean;
  iterations: number;
  validate?: boolean;
  stop: boolean;
  smooth: Smoothing;
  data?: string;
  cache: string;
  runs: string;
  verbose?: boolean;
  json?: boolean;
}

/** Used if no config is given. */
export const defaultConfig = shipped('configs/lrfind-default.json');
const finderShorthands = ['--backend', '--precision', '--threads', '--device', '--seed'];

const methodsHelp = `
Methods:
  recommended  the geometric mean of the LR where the loss falls fastest and the LR where it stops falling
  valley       fastai's default: the middle of the longest stretch in which the average loss falls
  steep        fastai: the LR where the average loss falls fastest in log LR, between two consecutive updates
  minimum      fastai: a tenth of the LR with the lowest average loss
  slide        fastai: scanning from the highest LR down, the last LR at which the slope of the average loss still
               differs from the slope 15 updates later
  range        Smith: max_lr where the loss (with --validate: the accuracy) is best, base_lr a tenth of it
The fastai methods are computed as in fastai 2.8, from the debiased moving average (0.98).`;

/** `clr lrfind`: prints the suggestions on stdout, the rest on stderr. */
export const lrfindCommand = new Command('lrfind')
  .description('LR range test: train briefly while the LR rises; writes a run folder with a chart and suggestions')
  .argument(
    '[config]',
    'JSON or YAML file, or the name of a config that comes with the program (of its schedule, the test uses only the momentum at the start); default: ResNet-56, momentum 0.9, SGD',
  )
  .addOption(new Option('--start <lr>', 'LR of the first update').argParser(positiveNumber).default(1e-5))
  .addOption(new Option('--end <lr>', 'LR of the last update').argParser(positiveNumber).default(10))
  .addOption(new Option('--linear', 'raise the LR by equal steps instead of equal factors, on a linear axis'))
  .addOption(new Option('--iterations <n>', 'updates per curve').argParser(positiveInteger).default(100))
  .addOption(new Option('--validate', 'evaluate the next validation batch after each update'))
  .addOption(new Option('--no-stop', 'do not stop when the smoothed loss exceeds 4 times its best value or is NaN'))
  .addOption(new Option('--momentum <list>', 'one curve per value, e.g. 0.9,0.95,0.99').argParser(numbers(0, 1)))
  .addOption(new Option('--weight-decay <list>', 'one curve per value, e.g. 1e-2,1e-3,1e-4').argParser(numbers(0)))
  .addOption(new Option('--batch-size <list>', 'one curve per value, e.g. 128,512').argParser(numbers(1)))
  .addOption(
    new Option(
      '--seeds <list>',
      'seeds of each curve, drawn as a band: 5 for seeds 1 to 5, or a list such as 3,7,11; default: 3 if the second and third take less than a minute, else 1',
    ).conflicts('seed'),
  )
  .addOption(dataOption())
  .addOption(runsOption())
  .addOption(cacheOption())
  .addOption(overrideOption())
  .addOption(setOption())
  .addOption(
    new Option('--smooth <line>', "line through the losses: local regression, or fastai's moving average, which lags")
      .choices(['local', 'average'])
      .default('local'),
  )
  .addOption(verboseOption())
  .addOption(new Option('--json', 'print the summary as JSON'))
  .addHelpText('after', methodsHelp);
addShorthands(lrfindCommand, finderShorthands);

lrfindCommand.action(async (file: string | undefined, flags: Flags) => {
  const { runFinder } = await import('../lr-finder/finder.js');
  const { start, end, iterations, validate = false, stop, smooth, data, cache: cacheDirectory, runs, verbose } = flags;
  const settings = {
    start,
    end,
    scale: flags.linear ? 'linear' : 'exponential',
    iterations,
    validate,
    stop,
    smooth,
  } as const;
  const plans = await planCurves(file ?? defaultConfig, flags);
  const interruption = listenForSignals('finishing the update, then the charts');
  const { signal } = interruption;
  const { directory, summary } = await runFinder(plans, settings, { data, cacheDirectory, runs, signal, verbose });
  if (flags.json) process.stdout.write(`${JSON.stringify({ directory, ...summary }, null, 2)}\n`);
  else process.stdout.write(`${describe(summary, file, flags)}\nrun folder ${directory}\n`);
  if (summary.status === 'interrupted') {
    process.stderr.write(`interrupted: ${summary.message}\n`);
    process.exitCode = interruption.exitCode();
  }
});

/** The product of the lists: a curve for each momentum, weight decay and batch size, with every seed. */
export async function planCurves(file: string, flags: PlanFlags): Promise<Plan[]> {
  const { parseSeeds } = await import('../sweep/plan.js');
  const seeds = flags.seeds === undefined ? [undefined] : parseSeeds(flags.seeds); // undefined: the config's own
  const combinations = (flags.momentum ?? [undefined]).flatMap((momentum) =>
    (flags.weightDecay ?? [undefined]).flatMap((weightDecay) =>
      (flags.batchSize ?? [undefined]).map((batchSize) => ({ momentum, weightDecay, batchSize })),
    ),
  );
  const plans = combinations.flatMap(({ momentum, weightDecay, batchSize }, i) =>
    seeds.map(async (seed): Promise<Plan> => {
      const given = {
        ...(weightDecay !== undefined && { '--weight-decay': `optimizer.weight_decay=${weightDecay}` }),
        ...(batchSize !== undefined && { '--batch-size': `batch_size=${batchSize}` }),
        ...(seed !== undefined && { '--seeds': `seed=${seed}` }),
      };
      const config = await configFromFlags(file, flags, given);
      return { curve: i + 1, momentum, config };
    }),
  );
  const requested = await Promise.all(plans);
  return flags.seeds === undefined && flags.seed === undefined ? [...requested, ...spareSeeds(requested)] : requested;
}

/** Two more seeds of each curve. */
function spareSeeds(plans: Plan[]): Plan[] {
  return [1, 2].flatMap((more) =>
    plans.map((plan) => ({ ...plan, config: { ...plan.config, seed: plan.config.seed + more }, spare: true })),
  );
}

/**
 * A block of lines per curve: methods and LRs; for the recommended one also the reason and a command to train with it.
 */
function describe({ curves }: FinderSummary, file = 'CONFIG', flags: Flags): string {
  const lines = (curve: CurveSummary) =>
    curve.suggestions.flatMap((suggestion) => linesOf(suggestion, [file, ...tested(curve, flags)]));
  return curves.map((curve) => [nameOf(curve), ...lines(curve)].join('\n')).join('\n');
}

type TestedFlags = Pick<PlanFlags, 'override' | 'set' | 'weightDecay' | 'batchSize'> & { data?: string };

/** The flags of `clr run` for what a curve was measured with. The momentum is left to the config's schedule. */
export function tested(
  { weight_decay, batch_size }: Pick<CurveSummary, 'weight_decay' | 'batch_size'>,
  { data, override, set, weightDecay, batchSize }: TestedFlags,
): string[] {
  const own = [
    ...set,
    ...(weightDecay ? [`optimizer.weight_decay=${weight_decay}`] : []),
    ...(batchSize ? [`batch_size=${batch_size}`] : []),
  ];
  return [
    ...(data === undefined ? [] : ['--data', data]),
    ...override.flatMap((file) => ['--override', file]),
    ...own.flatMap((assignment) => ['--set', assignment]),
  ];
}

function nameOf({ momentum, weight_decay, batch_size, seeds }: CurveSummary): string {
  return `momentum ${momentum}, weight decay ${weight_decay}, batch ${batch_size} (${endsOf(seeds)})`;
}

/** "seeds 1, 2: completed, 100 updates; seed 3: diverged, 40 updates": seeds that ended alike are grouped. */
export function endsOf(seeds: CurveSummary['seeds']): string {
  const groups = new Map<string, number[]>();
  for (const { seed, status, iterations } of seeds) {
    const end = `${status}, ${iterations} updates`;
    groups.set(end, [...(groups.get(end) ?? []), seed]);
  }
  return [...groups].map(([end, own]) => `${own.length > 1 ? 'seeds' : 'seed'} ${own.join(', ')}: ${end}`).join('; ');
}

function linesOf(suggestion: CurveSummary['suggestions'][number], run: string[]): string[] {
  const name = `  ${suggestion.method.padEnd(13)}`;
  if ('reason' in suggestion) return [`${name}no answer: ${suggestion.reason}`];
  const { max_lr, base_lr, why, caution, schedule = {} } = suggestion;
  const lr = [base_lr, max_lr].filter((value) => value !== undefined).map((value) => Number(value.toPrecision(2)));
  if (why === undefined) return [`${name}${lr.join(' to ')}`];
  const set = Object.entries(schedule).flatMap(([key, value]) => ['--set', `schedule.${key}=${JSON.stringify(value)}`]);
  const indent = ' '.repeat(name.length);
  return [
    `${name}${lr}  ${why}`,
    ...(caution ? [`${indent}${caution}`] : []),
    `${indent}clr run ${quoted([...run, ...set])}`,
  ];
}

/** A list of numbers from `low` to below `high`. */
function numbers(low: number, high = Number.POSITIVE_INFINITY): (text: string) => number[] {
  return (text) => {
    const values = text.split(',').map((item) => (item.trim() === '' ? Number.NaN : Number(item)));
    if (values.every((value) => value >= low && value < high)) return [...new Set(values)];
    const bounds = Number.isFinite(high) ? `from ${low} and below ${high}` : `from ${low}`;
    throw new InvalidArgumentError(`must be numbers ${bounds}, separated by commas`);
  };
}
