import { existsSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { draftOf } from '../../config/draft.js';
import { validate } from '../../config/explain.js';
import { ClrError } from '../../errors.js';
import { isDone } from '../../runs/sweep-manifest.js';
import { makeFolders } from '../../system/atomic.js';
import { lockFolder } from '../../system/lock.js';
import { quoted } from '../../system/shell.js';
import { commandOf, type RunFlags } from '../command.js';
import { rungLine } from '../halving.js';
import { type Look, lookAt, prepareSweep } from '../look.js';
import type { SweepPlan } from '../plan.js';
import { standingLine } from '../sweep.js';
import { kubernetesJob } from './kubernetes.js';
import { type SlurmOptions, slurmSchema } from './options.js';
import { type HeldTask, heldTasks, largestArray, slurmScripts, submit } from './slurm.js';
import type { Task } from './slurm-script.js';

export interface LaunchOptions extends RunFlags {
  dryRun?: boolean;
  jobs: number;
  /** `key=value`; overrides `slurm` in the sweep file. */
  slurm: string[];
}

/** Writes the arms' configs and prints the command of each run on stdout. */
export function printCommands(plan: SweepPlan, directory: string, flags: RunFlags): void {
  for (const { command } of tasksOf(directory, prepareSweep(plan, directory, flags), flags))
    process.stdout.write(`${quoted(command)}\n`);
}

/** Submits the due runs that Slurm does not hold yet, or prints the batch script; writes a line per array to `out`. */
export function submitArrays(
  plan: SweepPlan,
  directory: string,
  flags: Omit<LaunchOptions, 'jobs'>,
  out: NodeJS.WritableStream = process.stdout,
): void {
  const options = slurmOptions(plan, flags.slurm);
  const scripts = (next: Next, largest: number) =>
    slurmScripts(plan.name, directory, tasksOf(directory, next, flags), options, largest);
  if (flags.dryRun) {
    const look = lookAt(plan, directory);
    for (const { script } of scripts(look, look.due.length)) out.write(script);
    return;
  }
  const largest = largestArray();
  makeFolders(path.join(directory, 'slurm'));
  const unlock = lockFolder(path.join(directory, 'slurm'), flags);
  try {
    const held = heldTasks(directory); // before the look: a task that ends in between is done by then
    const look = prepareSweep(plan, directory, flags);
    const { due, untilEpoch } = look;
    const free = due.filter((run) => !held.has(path.resolve(directory, run.directory)));
    const waiting = due.length - free.length;
    for (const line of decisions(plan, look)) process.stderr.write(`${line}\n`);
    if (waiting > 0) process.stderr.write(`${waiting} runs are already queued or running in Slurm\n`);
    for (const array of scripts({ due: free, untilEpoch }, largest))
      out.write(`job ${submit(directory, array)}: ${array.tasks.length} runs in ${directory}\n`);
    if (due.length === 0) out.write(`all runs in ${directory} are done\n`);
  } finally {
    unlock();
  }
}

/** Throws ClrError if `submitArrays` would with these assignments, before anything is computed. */
export function checkSlurm(assignments: string[]): void {
  slurmOptions({}, assignments);
  largestArray();
}

/**
 * A line per run: its status from its folder and, after a submission to Slurm, its task from squeue; then the
 * decisions.
 */
export function printStatus(plan: SweepPlan, directory: string): void {
  const submitted = existsSync(path.join(directory, 'slurm'));
  const held: Map<string, HeldTask> = submitted ? heldTasks(directory) : new Map();
  const look = lookAt(plan, directory);
  const { runs } = look;
  for (const run of runs) {
    const task = held.get(path.resolve(directory, run.directory));
    const reason = task && task.reason !== 'None' ? ` (${task.reason})` : '';
    const slurm = task ? `  ${task.id} ${task.state}${reason}` : '';
    process.stdout.write(`${run.status.padEnd(11)} ${run.directory}${slurm}${run.message ? `  ${run.message}` : ''}\n`);
  }
  const left = runs.filter((run) => !isDone(run)).length;
  for (const line of decisions(plan, look)) process.stdout.write(`${line}\n`);
  process.stdout.write(`${runs.length} runs in ${directory}, ${left} to do, ${held.size} in Slurm\n`);
}

/** Prints a Kubernetes Indexed Job for the due runs on stdout. */
export function printJob(plan: SweepPlan, directory: string, flags: LaunchOptions): void {
  if (!flags.dryRun)
    throw new ClrError(
      'usage',
      '--launcher kubernetes prints a Job and submits nothing',
      'add --dry-run, and pipe it into `kubectl create -f -`',
    );
  if (!plan.kubernetes)
    throw new ClrError(
      'usage',
      `sweep ${plan.name} has no key kubernetes`,
      'add kubernetes: { image: ... } to its file',
    );
  const tasks = tasksOf(directory, prepareSweep(plan, directory, flags), flags);
  process.stdout.write(kubernetesJob(plan.name, directory, tasks, plan.kubernetes, flags.jobs));
}

type Next = Pick<Look, 'due' | 'untilEpoch'>;

function tasksOf(directory: string, { due, untilEpoch }: Next, flags: RunFlags): Task[] {
  return due.map((run) => ({
    run: path.resolve(directory, run.directory),
    command: commandOf(directory, run, { ...flags, untilEpoch }),
  }));
}

/** A line per arm of the question, and per ranking. */
function decisions({ question, halving }: SweepPlan, { standing, rungs }: Look): string[] {
  const verdicts = [...standing].map(([arm, judgement]) => standingLine(arm, judgement, question!));
  return [...verdicts, ...rungs.map((rung) => rungLine(rung, halving!))];
}

/** The sweep file's settings, overridden by the flags. Throws ClrError('usage'). */
function slurmOptions(plan: Pick<SweepPlan, 'slurm'>, assignments: string[]): SlurmOptions {
  const given = assignments.map((assignment) => {
    const [key, value] = [assignment.slice(0, assignment.indexOf('=')), assignment.slice(assignment.indexOf('=') + 1)];
    return [key, parse(value) as unknown] as const;
  });
  return validate(slurmSchema, draftOf({ ...plan.slurm, ...Object.fromEntries(given) }), '--slurm');
}
