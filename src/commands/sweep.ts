import path from 'node:path';
import { Command, Option } from 'commander';
import { ClrError } from '../errors.js';
import type { Metric } from '../runs/scores.js';
import type { Halving, Rung, SweepRun } from '../runs/sweep-manifest.js';
import type { Jobs } from '../sweep/jobs.js';
import type { SweepPlan, Until } from '../sweep/plan.js';
import { terminalWidth } from './compare.js';
import { addLaunchOptions, type LaunchFlags, launchElsewhere } from './launch.js';
import {
  addShorthands,
  type ConfigFlags,
  cacheOption,
  dataOption,
  dryRunOption,
  jobsOption,
  overrideOption,
  overridesOf,
  runsOption,
  setOption,
  tagOption,
  takeOverOption,
} from './options.js';
import { listenForSignals } from './signals.js';

/** What the command line adds to the plan of a sweep. */
export interface SweepFlags extends Partial<Omit<LaunchFlags, 'jobs'>> {
  data?: string;
  cache: string;
  runs: string;
  jobs: Jobs;
  out?: string;
  dryRun?: boolean;
  takeOver?: boolean;
  /** Set in the configs; undefined: the processors are divided among the jobs. */
  threads?: unknown;
}

type Flags = SweepFlags & ConfigFlags & { name?: string; seeds?: string; until: Until };

const sweepFile = `
A sweep file lists the arms, each with the keys that it changes:
  name: peak
  base: quickstart          # a config beside the file, or one that comes with the program
  seeds: 3
  arms:
    low: { schedule.max_lr: 0.2 }
    high: { schedule.max_lr: 0.8 }
`;

/** `clr sweep`: the comparison of its runs on stdout, the rest on stderr. */
export const sweepCommand = addLaunchOptions(
  new Command('sweep')
    .description('train every arm of a sweep with every seed; run it again to resume')
    .addHelpText('after', sweepFile)
    .argument('<file>', 'YAML or JSON file: name, base, seeds, arms, grid')
    .addOption(dataOption())
    .addOption(runsOption())
    .addOption(cacheOption())
    .addOption(new Option('--seeds <list>', "overrides the file's seeds: 5 for seeds 1 to 5, or a list such as 3,7,11"))
    .addOption(new Option('--name <text>', 'overrides the name in the file, used for the sweep and its folder'))
    .addOption(overrideOption())
    .addOption(setOption())
    .addOption(tagOption())
    .addOption(new Option('--out <dir>', 'folder of the sweep; default: sweep-<name> in the runs folder'))
    .addOption(jobsOption())
    .addOption(takeOverOption())
    .addOption(dryRunOption())
    .addOption(
      new Option('--until <end>', 'done: each arm has all seeds; decided: seeds are added until `decide` is answered')
        .choices(['done', 'decided'])
        .default('done'),
    ),
).action(async (file: string, flags: Flags) => {
  const { readSweep } = await import('../sweep/plan.js');
  const { name, seeds, until } = flags;
  const { name: _, ...configFlags } = flags;
  await sweep(readSweep(file, { config: overridesOf(configFlags), name, seeds, until }), flags);
});
addShorthands(sweepCommand, { except: ['--seed', '--name'] });

/** Runs the plan, or lists it; sets the exit code: 1 if a run failed. */
export async function sweep(plan: SweepPlan, flags: SweepFlags): Promise<void> {
  const { isDone } = await import('../runs/sweep-manifest.js');
  const { lockedRuns, readManifest } = await import('../sweep/manifest.js');
  const { runSweep, sweepFolder } = await import('../sweep/sweep.js');
  const { divideProcessors } = await import('../sweep/jobs.js');
  const { runs, data, cache, dryRun } = flags;
  const directory = flags.out ?? sweepFolder(runs, plan.name);
  const elsewhere = flags.jobs === 'auto' ? 1 : flags.jobs;
  if (await launchElsewhere(plan, directory, { launcher: 'local', slurm: [], ...flags, jobs: elsewhere })) return;
  const due = readManifest(directory, plan).planned.filter((run) => !isDone(run));
  const { jobs, threads: divided } = await divideProcessors(plan, flags.jobs, due.length);
  const threads = flags.threads === undefined ? divided : undefined;
  if (dryRun) {
    if (plan.question) return dryRunOfQuestion(plan, directory, jobs, threads);
    const { lookAt } = await import('../sweep/look.js');
    const { runs: planned, rungs } = lookAt(plan, directory);
    const locked = lockedRuns(directory, planned);
    for (const run of planned)
      process.stdout.write(`${(locked.includes(run) ? 'locked' : run.status).padEnd(11)} ${run.directory}\n`);
    const left = planned.filter((run) => !isDone(run)).length;
    const share = plan.halving ? await printRungs(plan, plan.halving, rungs) : undefined;
    const time = left === 0 ? '' : `; time ${await timeLeft(plan, planned, jobs, threads, share)}`;
    process.stdout.write(`${planned.length} runs in ${directory}, ${left} to do${time}\n`);
    return;
  }
  const interruption = listenForSignals('waiting for the checkpoints of the runs');
  const { signal } = interruption;
  const done = await runSweep(plan, { directory, jobs, data, cache, threads, signal, takeOver: flags.takeOver });
  await printComparison(directory);
  process.stderr.write(`sweep folder ${directory}\n`);
  if (interruption.signal.aborted) {
    if (!done.every(isDone)) await reportHowToResume();
    process.exitCode = interruption.exitCode();
  } else if (lockedRuns(directory, done).length > 0) throw await locked(directory, lockedRuns(directory, done));
  else if (!done.every(isDone)) process.exitCode = 1;
}

/**
 * Prints the rankings, past and future, and what they save; returns the share of the full grid's epochs that is left.
 */
async function printRungs(plan: SweepPlan, halving: Halving, rungs: readonly Rung[]): Promise<number> {
  const { rungLine, shareOfCost, stepsOf } = await import('../sweep/halving.js');
  const { lengthOf } = await import('../sweep/length.js');
  const arms = plan.arms.length;
  const { epochs } = lengthOf(plan.arms[0]!.config);
  const steps = stepsOf(halving, arms, epochs);
  const lines = [
    ...rungs.map((rung) => rungLine(rung, halving)),
    ...steps
      .slice(rungs.length)
      .map((step) => `epoch ${step.epoch}: the best ${step.kept} of ${step.arms} arms by ${halving.metric} continue`),
    `cost: ${Math.round(100 * shareOfCost(steps, arms, epochs))} % of training all arms to epoch ${epochs}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return shareOfCost(steps, arms, epochs, rungs.length);
}

/** Prints the design, its expected cost at the standard deviation to plan with, and the most time that it can take. */
async function dryRunOfQuestion(plan: SweepPlan, directory: string, jobs: number, threads?: number): Promise<void> {
  const { isDone } = await import('../runs/sweep-manifest.js');
  const { readManifest } = await import('../sweep/manifest.js');
  const { sequentialLines } = await import('../compare/plan.js');
  const { difference, alpha, power, max_seeds: maxSeeds, block, metric, baseline, std } = plan.question!;
  const arms = plan.arms.length - 1;
  const { planned } = readManifest(directory, plan);
  const out = (line: string) => process.stdout.write(`${line}\n`);
  out(
    `${metric} of ${arms} arms against ${baseline}; difference ${difference}, alpha ${alpha} over all arms and looks`,
  );
  const spread = std ?? (await spreadSoFar(directory, metric, plan.paired));
  const what = `standard deviation ${plan.paired ? 'of the differences' : 'between seeds'}`;
  if (spread === undefined)
    out(`no ${what} to plan with: set decide.std${plan.paired ? '' : ', or run the next block'}`);
  else {
    out(`${what} ${spread}`);
    for (const line of sequentialLines({
      difference,
      alpha,
      power,
      maxSeeds,
      block,
      paired: plan.paired,
      arms,
      std: spread,
    }))
      out(line);
  }
  const left = planned.filter((run) => !isDone(run)).length;
  const time = left === 0 ? '' : `; time for all ${await timeLeft(plan, planned, jobs, threads)}`;
  out(`at most ${planned.length} runs in ${directory}, ${planned.length - left} done${time}`);
}

/** Undefined: no arm has two different scores yet, or the arms are paired. */
async function spreadSoFar(directory: string, metric: Metric, paired: boolean): Promise<number | undefined> {
  const { spreadOf } = await import('../compare/spread.js');
  try {
    return spreadOf([directory], { metric, paired }).std;
  } catch (error) {
    if (error instanceof ClrError) return undefined;
    throw error;
  }
}

/** Names the process that has locked each run, and the command to take it over. */
async function locked(directory: string, runs: SweepRun[]): Promise<ClrError> {
  const { resumeCommand } = await import('../runs/run-folder.js');
  const { describeHolder, lockHolder } = await import('../system/lock.js');
  const { duration } = await import('../terminal/duration.js');
  const folders = runs.map((run) => path.join(directory, run.directory));
  const holders = folders.flatMap((folder) => {
    const holder = lockHolder(folder);
    return holder
      ? [`${folder} by ${describeHolder(holder)} for ${duration((Date.now() - +holder.since) / 1000)}`]
      : [];
  });
  const commands = folders.map((folder) => `${resumeCommand(folder)} --take-over`);
  const all = runs.length > 1 ? ['or all of them: this sweep with --take-over'] : [];
  return new ClrError(
    'data',
    `locked: ${holders.join('; ')}`,
    `if that process has ended, take the run over:\n${[...commands, ...all].join('\n')}`,
  );
}

/**
 * Estimated from the finished runs; if there are none, from training steps, which also checks that the arms can train
 * here. `share`: with halving, the part of the full grid that is left.
 */
async function timeLeft(
  plan: SweepPlan,
  planned: SweepRun[],
  jobs: number,
  threads?: number,
  share?: number,
): Promise<string> {
  const { duration } = await import('../terminal/duration.js');
  const { estimate } = await import('../sweep/sweep.js');
  const seconds = share === undefined ? estimate(planned, jobs) : undefined;
  if (seconds !== undefined) return `about ${duration(seconds)}`;
  const { secondsByStepTimes, timedSteps } = await import('../sweep/step-times.js');
  process.stderr.write(`timing ${timedSteps} training steps of each arm\n`);
  const runs = share === undefined ? planned : planned.map((run) => ({ ...run, status: 'pending' as const }));
  const total = (share ?? 1) * (await secondsByStepTimes(plan, runs, threads));
  return `about ${duration(total / jobs)}, estimated from ${timedSteps} training steps of each arm (training only)`;
}

/** Prints the command that was typed: finished work is kept. */
export async function reportHowToResume(): Promise<void> {
  const { quoted } = await import('../system/shell.js');
  process.stderr.write(`resume with \`clr ${quoted(process.argv.slice(2))}\`\n`);
}

async function printComparison(directory: string): Promise<void> {
  const { readRuns } = await import('../runs/read-runs.js');
  const { compare } = await import('../compare/comparison.js');
  const { toText } = await import('../compare/print.js');
  const { runs, skipped } = readRuns([directory]);
  if (runs.length > 0) process.stdout.write(toText([compare(runs, skipped, {})], {}, terminalWidth()));
}
