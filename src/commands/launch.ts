import { type Command, InvalidArgumentError, Option } from 'commander';
import { ClrError } from '../errors.js';
import type { SweepPlan } from '../sweep/plan.js';

/** Where the runs of a sweep train, and with which settings. */
export interface LaunchFlags {
  launcher: 'local' | 'slurm' | 'kubernetes';
  slurm: string[];
  status?: boolean;
  printCommands?: boolean;
  dryRun?: boolean;
  data?: string;
  cache: string;
  jobs: number;
}

export function addLaunchOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--launcher <where>',
        'slurm submits a job array and returns; kubernetes, with --dry-run, prints a Job',
      )
        .choices(['local', 'slurm', 'kubernetes'])
        .default('local'),
    )
    .addOption(slurmOption('override a `slurm` key of the sweep file'))
    .addOption(
      new Option('--status', 'show the status of each run (from its folder and squeue) and exit').conflicts(
        'printCommands',
      ),
    )
    .addOption(new Option('--print-commands', 'print the command of each run that is not done, for other launchers'));
}

export function slurmOption(what = 'a Slurm setting of each job'): Option {
  return new Option('--slurm <key=value>', `${what}, e.g. timeout_min=60; repeatable`)
    .argParser((value: string, earlier: string[]) => {
      if (!/^\w+=/.test(value)) throw new InvalidArgumentError('must be key=value');
      return [...earlier, value];
    })
    .default([], 'none');
}

/** Throws ClrError('usage') if Slurm settings are given that another launcher would ignore. */
export function refuseUnusedSlurm({ launcher, slurm }: Pick<LaunchFlags, 'launcher' | 'slurm'>): void {
  if (slurm.length > 0 && launcher !== 'slurm')
    throw new ClrError('usage', `--slurm has no effect with --launcher ${launcher}`, 'add --launcher slurm');
}

/** Lists, prints or submits the runs, if the flags ask for it, instead of training them here; false: they do not. */
export async function launchElsewhere(plan: SweepPlan, directory: string, flags: LaunchFlags): Promise<boolean> {
  const { launcher, status, printCommands } = flags;
  refuseUnusedSlurm(flags);
  if (launcher === 'local' && !status && !printCommands) return false;
  const launch = await import('../sweep/launchers/launch.js');
  if (status) launch.printStatus(plan, directory);
  else if (printCommands) launch.printCommands(plan, directory, flags);
  else if (launcher === 'slurm') launch.submitArrays(plan, directory, flags);
  else launch.printJob(plan, directory, flags);
  return true;
}
