import path from 'node:path';
import { Command, Option } from 'commander';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import {
  type ConfigFlags,
  cacheOption,
  configFromFlags,
  dataOption,
  dryRunOption,
  jobsOption,
  overrideOption,
  runsOption,
  setOption,
  shorthandOptions,
  tagOption,
} from './options.js';
import { listenForSignals } from './signals.js';

interface Flags extends ConfigFlags {
  data?: string;
  cache: string;
  runs: string;
  resume?: string;
  runDir?: string;
  seeds?: string;
  jobs: number;
  dryRun?: boolean;
  json?: boolean;
}

/** `clr run`: prints the result on stdout, the rest on stderr. */
export const runCommand = new Command('run')
  .description('train as a config says; writes a run folder with CSV, charts and checkpoints')
  .argument('[config]', 'JSON or YAML file')
  .addOption(dataOption())
  .addOption(runsOption())
  .addOption(cacheOption())
  .addOption(overrideOption())
  .addOption(setOption())
  .addOption(tagOption())
  .addOption(new Option('--resume <run>', 'resume an interrupted run, e.g. runs/7 or latest'))
  .addOption(
    new Option('--run-dir <dir>', 'the new run folder itself, in place of the next number').conflicts('resume'),
  )
  .addOption(
    new Option('--seeds <list>', 'a run for each of so many seeds, or of a list such as 3,7,11; as a sweep').conflicts([
      'resume',
      'runDir',
      'seed',
      'json',
    ]),
  )
  .addOption(jobsOption())
  .addOption(dryRunOption())
  .addOption(new Option('--json', 'print the summary as JSON'));
for (const option of shorthandOptions) runCommand.addOption(option);

runCommand.action(async (file: string | undefined, flags: Flags) => {
  const { runExperiment } = await import('../experiment.js');
  const { resumeCommand } = await import('../runs/run-folder.js');
  const { config, resume } = await whatToRun(file, flags);
  if (flags.seeds !== undefined) return sweepSeeds(config, flags.seeds, flags);
  if (flags.dryRun || flags.jobs > 1) throw new ClrError('usage', '--jobs and --dry-run are for several --seeds');
  const interruption = listenForSignals('finishing the iteration, then a checkpoint');
  const { data, cache: cacheDirectory, runs } = flags;
  const { directory, summary } = await runExperiment(config, {
    data,
    cacheDirectory,
    runs,
    directory: flags.runDir,
    resume,
    signal: interruption.signal,
  });
  if (flags.json) process.stdout.write(`${JSON.stringify({ directory, ...summary }, null, 2)}\n`);
  else {
    const { final, best } = summary;
    if (final && best)
      process.stdout.write(
        `val_acc ${final.val_acc.toFixed(2)} % (best ${best.val_acc.toFixed(2)} % at epoch ${best.epoch})\n`,
      );
    process.stdout.write(`run folder ${directory}\n`);
  }
  if (summary.status === 'interrupted') {
    process.stderr.write(`interrupted: ${summary.message}; resume with \`${resumeCommand(directory)}\`\n`);
    process.exitCode = interruption.exitCode();
  }
});

/** The same config with several seeds is a sweep of one arm. */
async function sweepSeeds(config: ExperimentConfig, seeds: string, flags: Flags): Promise<void> {
  const { parseSeeds } = await import('../sweep/plan.js');
  const { sweep } = await import('./sweep.js');
  const { name } = config;
  await sweep({ name, arms: [{ name, config }], seeds: parseSeeds(seeds), vary: {}, paired: false }, flags);
}

async function whatToRun(
  file: string | undefined,
  flags: Flags,
): Promise<{ config: ExperimentConfig; resume?: string }> {
  if (flags.resume === undefined) {
    if (file === undefined) throw new ClrError('usage', 'no config named', 'e.g. clr run configs/quickstart.json');
    return { config: await configFromFlags(file, flags) };
  }
  const { findRun, refuseOtherConfig } = await import('../training/resume.js');
  const resume = findRun(flags.resume, flags.runs);
  const config = await configFromFlags(file ?? path.join(resume, 'config.json'), flags);
  refuseOtherConfig(resume, config);
  return { resume, config };
}
