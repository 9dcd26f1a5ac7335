import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ClrError } from '../errors.js';
import type { Stage, TuneRecord } from '../tune/record.js';
import { refuseUnusedSlurm, slurmOption } from './launch.js';
import {
  addShorthands,
  type ConfigFlags,
  cacheOption,
  configFromFlags,
  dataOption,
  dryRunOption,
  jobsOption,
  overrideOption,
  positiveInteger,
  runsOption,
  setOption,
  takeOverOption,
} from './options.js';
import { listenForSignals } from './signals.js';
import { reportHowToResume, type SweepFlags } from './sweep.js';

const stages = ['lr', 'momentum', 'wd', 'tail', 'check'] as const satisfies readonly Stage[];

interface Flags
  extends ConfigFlags,
    Pick<SweepFlags, 'data' | 'cache' | 'runs' | 'jobs' | 'out' | 'dryRun' | 'takeOver'> {
  budget: string;
  seeds: number;
  stages: Stage[];
  launcher: 'local' | 'slurm';
  slurm: string[];
}

const help = `
Stages, in this order; each starts from the values chosen so far. Apart from the range tests and the unchanged config,
every run is one cycle (clr-beta); the best mean validation accuracy over two seeds decides:
  lr        highest LR and weight decay by LR range tests: the LR where validation accuracy stops rising, at the largest
            weight decay whose peak is near the highest; then a short run each at half, once, twice and four times
            that LR; lowest: a tenth (arXiv:1506.01186 sec. 3.3; arXiv:1803.09820 sec. 5)
  momentum  0.9, 0.95, 0.97 and 0.99, constant and cycled down by 0.1 (arXiv:1803.09820 sec. 5, figure 7b)
  wd        about 0.3, 1, 3 and 10 times the weight decay so far, in the longest runs of the search
            (arXiv:1803.09820 figure 11)
  tail      5, 10 or 20 % of the run
  check     a random search with as many epochs as all stages above; then its best settings, the tuned ones and the
            unchanged config are trained with new seeds for as long as the budget allows, and compared
If runs are long enough, the worse half of the arms of momentum and random search stops early, then again half of the
rest, and so on (successive halving, arXiv:1502.07943).
With --launcher slurm the runs are submitted stage by stage; the command waits for them. LR range tests run on this
machine.
Writes tuned.json (for clr run), tune.html, tune.md, tune.csv, tune.json and all run folders.`;

/** `clr tune`: the tuned settings on stdout, the rest on stderr. */
export const tuneCommand = new Command('tune')
  .description(
    'choose learning rate, weight decay and momentum with short runs, then check the gain; run again to resume',
  )
  .argument('<config>', 'JSON or YAML file, or the name of a config that comes with the program')
  .addOption(
    new Option('--budget <amount>', 'total budget: a time such as 90m or 2h, or epochs such as 300epochs').default(
      '1h',
    ),
  )
  .addOption(
    new Option('--stages <list>', `stages to run, comma-separated: ${stages.join(',')}`)
      .argParser(stageList)
      .default([...stages], 'all'),
  )
  .addOption(new Option('--seeds <n>', 'seeds of each arm of the check').argParser(positiveInteger).default(3))
  .addOption(new Option('--out <dir>', 'output folder; default: tune-<name> in the runs folder'))
  .addOption(dataOption())
  .addOption(runsOption())
  .addOption(cacheOption())
  .addOption(overrideOption())
  .addOption(setOption())
  .addOption(jobsOption())
  .addOption(new Option('--launcher <where>', 'where the runs train').choices(['local', 'slurm']).default('local'))
  .addOption(slurmOption())
  .addOption(takeOverOption())
  .addOption(dryRunOption())
  .addHelpText('after', help);
const shorthands = ['--backend', '--precision', '--threads', '--device', '--epochs', '--name'];
addShorthands(tuneCommand, shorthands);

tuneCommand.action(async (file: string, flags: Flags) => {
  const { parseBudget } = await import('../tune/budget.js');
  const { makePlan, planLines } = await import('../tune/plan.js');
  const { tune } = await import('../tune/tune.js');
  const { writePages } = await import('../tune/page/write.js');
  const { divideProcessors } = await import('../sweep/jobs.js');
  const { runSweep } = await import('../sweep/sweep.js');
  const config = await configFromFlags(file, flags);
  const asked = { budget: parseBudget(flags.budget), seeds: flags.seeds, stages: flags.stages };
  refuseUnusedSlurm(flags);
  const onSlurm = flags.launcher === 'slurm';
  if (onSlurm && !('epochs' in asked.budget))
    throw new ClrError('usage', '--launcher slurm: the queueing time is unknown', 'give the budget in epochs');
  const directory = flags.out ?? path.join(flags.runs, `tune-${config.name}`);
  const { jobs, threads } = await divideProcessors(
    { arms: [{ name: '', config }] },
    onSlurm ? 1 : flags.jobs,
    Number.POSITIVE_INFINITY,
  );
  const plan = () => makePlan(config, asked, { jobs, threads });
  if (flags.dryRun) {
    const record = { asked, plan: await plan(), decisions: [] };
    process.stdout.write(`${planLines(record, config).join('\n')}\n`);
    return;
  }
  if (onSlurm) (await import('../sweep/launchers/launch.js')).checkSlurm(flags.slurm);
  const interruption = listenForSignals('waiting for the checkpoints of the runs');
  const { signal } = interruption;
  const { data, cache, takeOver } = flags;
  let reported = -1; // decisions reported; -1: not even the plan
  const report = (record: TuneRecord) => {
    if (reported < 0) process.stderr.write(`${planLines(record, config).join('\n')}\n`);
    for (const { stage, chosen, sure } of record.decisions.slice(Math.max(0, reported)))
      process.stderr.write(`${stage}: ${chosen} (${sure})\n`);
    reported = record.decisions.length;
  };
  const { sweepOnSlurm } = await import('../sweep/launchers/wait.js');
  const train: typeof runSweep = (stage, how) =>
    onSlurm ? sweepOnSlurm(stage, { ...how, slurm: flags.slurm }) : runSweep(stage, how);
  const options = { directory, jobs, threads, data, cache, takeOver, signal, train };
  const record = await tune(config, asked, plan, options, report).catch(async (error) => {
    if (signal.aborted) await reportHowToResume();
    throw error;
  });
  const { summary } = await writePages(directory, config, record);
  process.stdout.write(`${summary}\n${path.join(directory, 'tuned.json')}\n${path.join(directory, 'tune.html')}\n`);
});

function stageList(text: string): Stage[] {
  const names = text.split(',');
  const unknown = names.find((name) => !stages.includes(name as Stage));
  if (unknown !== undefined) throw new InvalidArgumentError(`unknown stage ${unknown}; known: ${stages.join(', ')}`);
  return stages.filter((name) => names.includes(name));
}
