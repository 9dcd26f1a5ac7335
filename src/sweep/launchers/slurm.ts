import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ClrError } from '../../errors.js';
import { readJson } from '../../runs/read-run.js';
import { writeJson } from '../../runs/run-folder.js';
import { replaceFile } from '../../system/atomic.js';
import type { SlurmOptions } from './options.js';
import { slurmScript, type Task } from './slurm-script.js';

/** A task that Slurm holds: `12_3`, its state (PENDING, RUNNING, ...) and the reason for waiting. */
export interface HeldTask {
  id: string;
  state: string;
  reason: string;
}

/** Inside a sweep's folder: per array a batch script n.sh and the runs of its tasks in n.json; the tasks' output. */
const slurmFolder = (directory: string) => path.join(path.resolve(directory), 'slurm');

/** The largest array that the cluster accepts. Throws ClrError('backend') if there is no Slurm. */
export function largestArray(): number {
  const size = /^MaxArraySize\s*=\s*(\d+)/m.exec(slurm('scontrol', ['show', 'config']))?.[1];
  return size === undefined ? 1001 : Number(size); // Slurm's default
}

/** The batch scripts for the tasks, split by the largest array size. */
export function slurmScripts(
  name: string,
  directory: string,
  tasks: readonly Task[],
  options: SlurmOptions,
  largest: number,
): { script: string; tasks: Task[] }[] {
  const arrays = Array.from({ length: Math.ceil(tasks.length / largest) }, (_, i) =>
    tasks.slice(i * largest, (i + 1) * largest),
  );
  return arrays.map((some) => ({ script: slurmScript(name, slurmFolder(directory), some, options), tasks: some }));
}

/** Keeps the script in the sweep's folder, submits it, and returns the job's number. */
export function submit(directory: string, { script, tasks }: { script: string; tasks: Task[] }): string {
  const folder = slurmFolder(directory);
  mkdirSync(folder, { recursive: true });
  const n = 1 + Math.max(0, ...readdirSync(folder).map((name) => Number(/^(\d+)\.sh$/.exec(name)?.[1] ?? 0)));
  const file = path.join(folder, `${n}.sh`);
  writeJson(
    folder,
    `${n}.json`,
    tasks.map(({ run }) => run),
  );
  replaceFile(file, script);
  const [job] = slurm('sbatch', ['--parsable', file]).trim().split(';');
  return job!;
}

/** The tasks of this sweep that Slurm holds, by absolute run folder; from squeue only, since sacct needs accounting. */
export function heldTasks(directory: string): Map<string, HeldTask> {
  const held = new Map<string, HeldTask>();
  const user = String(process.getuid?.());
  const lines = slurm('squeue', ['--noheader', '--array', '--user', user, '--format', '%F_%K|%K|%T|%r|%o']).split('\n');
  for (const line of lines.filter(Boolean)) {
    const [id, index, state, reason, ...script] = line.split('|');
    const run = runsOfScript(directory, script.join('|'))[Number(index)];
    if (run !== undefined) held.set(run, { id: id!, state: state!, reason: reason! });
  }
  return held;
}

/** The runs of a batch script of this sweep; empty for other scripts. */
function runsOfScript(directory: string, script: string): string[] {
  const folder = slurmFolder(directory);
  const list = `${path.basename(script, '.sh')}.json`;
  if (path.dirname(script) !== folder || !existsSync(path.join(folder, list))) return [];
  return readJson(folder, list) as string[];
}

/** The output of the command. Throws ClrError('backend') if it is not installed or fails, as without a controller. */
function slurm(command: string, args: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error)
    throw new ClrError(
      'backend',
      `there is no Slurm on this machine: ${command} was not found`,
      'submit on a login node of the cluster; --print-commands lists what to run elsewhere',
    );
  if (status !== 0) throw new ClrError('backend', `${command} failed: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}
