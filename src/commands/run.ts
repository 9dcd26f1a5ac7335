import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError, exitCodes } from '../errors.js';
import type { Summary } from '../runs/summary.js';
import type { Jobs } from '../sweep/jobs.js';
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
  tagOption,
  takeOverOption,
  verboseOption,
} from './options.js';
import { listenForSignals } from './signals.js';

interface Flags extends ConfigFlags {
  data?: string;
  cache: string;
  runs: string;
  resume?: string;
  takeOver?: boolean;
  runDir?: string;
  orResume?: boolean;
  untilEpoch?: number;
  seeds?: string;
  jobs: Jobs;
  dryRun?: boolean;
  verbose?: boolean;
  json?: boolean;
}

/** `clr run`: prints the result on stdout, the rest on stderr. */
export const runCommand = new Command('run')
  .description('train a config; writes a run folder with CSV files, charts and checkpoints')
  .argument('[config]', 'JSON or YAML file, or the name of a config that comes with the program')
  .addOption(dataOption())
  .addOption(runsOption())
  .addOption(cacheOption())
  .addOption(overrideOption())
  .addOption(setOption())
  .addOption(tagOption())
  .addOption(new Option('--resume <run>', 'resume an interrupted run, e.g. runs/7 or latest'))
  .addOption(takeOverOption())
  .addOption(new Option('--run-dir <dir>', 'run folder to use instead of the next numbered one').conflicts('resume'))
  .addOption(
    new Option(
      '--seeds <list>',
      'one run per seed, as a sweep: 5 for seeds 1 to 5, or a list such as 3,7,11',
    ).conflicts(['resume', 'runDir', 'seed', 'json']),
  )
  .addOption(
    new Option(
      '--or-resume',
      'with --run-dir: resume the run there if it has begun; do nothing if it is done',
    ).conflicts('resume'),
  )
  .addOption(
    new Option(
      '--until-epoch <n>',
      'stop after n epochs; the run can be resumed, and the schedule still spans all of it',
    )
      .argParser(positiveInteger)
      .conflicts('seeds'),
  )
  .addOption(jobsOption())
  .addOption(verboseOption())
  .addOption(dryRunOption())
  .addOption(new Option('--json', 'print the summary as JSON').conflicts('dryRun'));
addShorthands(runCommand);

runCommand.action(async (file: string | undefined, flags: Flags) => {
  const { runExperiment } = await import('../experiment.js');
  const { resumeCommand } = await import('../runs/run-folder.js');
  const { config, resume } = await whatToRun(file, flags);
  if (flags.orResume && (await reportDone(flags.runDir!, config, flags.untilEpoch))) return;
  if (flags.seeds !== undefined) return sweepSeeds(config, flags.seeds, flags);
  if (flags.jobs !== 'auto' && flags.jobs > 1)
    throw new ClrError('usage', '--jobs needs several runs', 'add --seeds, e.g. --seeds 5');
  if (flags.dryRun) return dryRun(config, resume, flags.untilEpoch);
  const interruption = listenForSignals('finishing the iteration, then a checkpoint');
  const { data, cache: cacheDirectory, runs } = flags;
  const { directory, summary } = await runExperiment(config, {
    data,
    cacheDirectory,
    runs,
    directory: resume === undefined ? flags.runDir : undefined,
    resume,
    takeOver: flags.takeOver,
    untilEpoch: flags.untilEpoch,
    verbose: flags.verbose,
    signal: interruption.signal,
  });
  if (flags.json) process.stdout.write(`${JSON.stringify({ directory, ...summary }, null, 2)}\n`);
  else {
    const { final, best } = summary;
    if (final && best)
      process.stdout.write(
        `val_acc ${final.val_acc.toFixed(2)} % (best ${best.val_acc.toFixed(2)} % at epoch ${best.epoch})\n`,
      );
    if (summary.status === 'completed' && summary.message) process.stdout.write(`${summary.message}\n`);
    process.stdout.write(`run folder ${directory}\n`);
  }
  if (summary.status === 'interrupted') {
    process.stderr.write(`interrupted: ${summary.message}; resume with \`${resumeCommand(directory)}\`\n`);
    process.exitCode = interruption.exitCode();
  }
});

/** Prints what would run, and about how long it takes. */
async function dryRun(config: ExperimentConfig, resume: string | undefined, untilEpoch?: number): Promise<void> {
  const { iterationReached } = await import('../training/checkpoint.js');
  const { updates } = await import('../sweep/length.js');
  const { secondsOfRun, timedSteps } = await import('../sweep/step-times.js');
  const { duration } = await import('../terminal/duration.js');
  const done = resume === undefined ? 0 : iterationReached(resume);
  const { name, model, dataset, schedule, epochs, batch_size } = config;
  process.stdout.write(
    `${name}: ${model.type} on ${dataset.type}, schedule ${schedule.type}, ${epochs} epochs of batch ${batch_size}: ` +
      `${updates(config, untilEpoch)} iterations${resume === undefined ? '' : `, ${done} of them done`}\n`,
  );
  const time = duration(await secondsOfRun(config, done, untilEpoch));
  process.stdout.write(
    `about ${time}${done > 0 ? ' more' : ''} on this machine, estimated from ${timedSteps} training steps (training only)\n`,
  );
}

/** Whether the run in the folder is already done; if so, says so, and sets the exit code of a diverged run. */
async function reportDone(directory: string, config: ExperimentConfig, untilEpoch?: number): Promise<boolean> {
  const { outcomeOf } = await import('../training/resume.js');
  const outcome = outcomeOf(directory, config, untilEpoch);
  if (outcome === undefined) return false;
  process.stderr.write(`${directory} is done: ${outcome}\n`);
  if (outcome === 'diverged') process.exitCode = exitCodes.diverged;
  return true;
}

/** The same config with several seeds is a sweep of one arm. */
async function sweepSeeds(config: ExperimentConfig, seeds: string, flags: Flags): Promise<void> {
  const { checkArmName, parseSeeds } = await import('../sweep/plan.js');
  const { sweep } = await import('./sweep.js');
  const { name } = config;
  checkArmName(name);
  await sweep({ name, arms: [{ name, config }], seeds: parseSeeds(seeds), vary: {}, paired: false }, flags);
}

async function whatToRun(
  file: string | undefined,
  flags: Flags,
): Promise<{ config: ExperimentConfig; resume?: string }> {
  if (flags.resume === undefined) {
    if (file === undefined) throw new ClrError('usage', 'no config given', 'e.g. clr run quickstart');
    return orResumed(await configFromFlags(file, flags), flags);
  }
  const { findRun, refuseOtherConfig } = await import('../training/resume.js');
  const resume = findRun(flags.resume, flags.runs);
  if (flags.epochs === undefined) await reportIfComplete(resume);
  const config = await configFromFlags(file ?? path.join(resume, 'config.json'), flags);
  refuseOtherConfig(resume, config);
  return { resume, config };
}

/** Resuming a complete run trains nothing unless it is made longer. */
async function reportIfComplete(run: string): Promise<void> {
  const { recordedStatus } = await import('../runs/status.js');
  const { readJson } = await import('../runs/read-run.js');
  if (recordedStatus(run) !== 'completed') return;
  const { message } = readJson(run, 'summary.json') as Summary; // of max_iterations
  const further = '--epochs N trains it further if its schedule begins the same with N epochs';
  process.stderr.write(`${run} has completed${message ? `: ${message}` : ` all its epochs; ${further}`}\n`);
}

/** With --or-resume: the run in the folder, once an earlier start of it has ended. */
async function orResumed(
  config: ExperimentConfig,
  { orResume, runDir, takeOver }: Flags,
): Promise<{ config: ExperimentConfig; resume?: string }> {
  if (!orResume) return { config };
  if (runDir === undefined) throw new ClrError('usage', '--or-resume needs the folder of the run', 'add --run-dir DIR');
  const { hasBegun, refuseOtherConfig } = await import('../training/resume.js');
  await waitForEarlierStart(runDir);
  if (!hasBegun(runDir, { takeOver })) return { config };
  refuseOtherConfig(runDir, config);
  return { config, resume: runDir };
}

/**
 * When a failed node answers again, Slurm ends the old process of a task, but restarts the task without waiting for
 * that.
 */
async function waitForEarlierStart(runDir: string): Promise<void> {
  const { lockHolder } = await import('../system/lock.js');
  const { holdsEarlierStart } = await import('../system/batch-task.js');
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(500))
    if (!holdsEarlierStart(runDir) || lockHolder(runDir) === undefined) return;
}
