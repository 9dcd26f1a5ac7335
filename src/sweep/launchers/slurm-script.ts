import path from 'node:path';
import { quoted } from '../../system/shell.js';
import type { SlurmOptions } from './options.js';

/** A run, and its command. */
export interface Task {
  /** The run's folder, absolute. */
  run: string;
  command: string[];
}

/** Exit code of a run that SIGUSR2 has warned of the time limit. */
const timeIsUp = 140;

/**
 * The batch script of an array of `tasks`. Task i runs the i-th command in the background, so that the shell receives
 * Slurm's signals. SIGUSR2 comes before the time limit, up to a minute early, perhaps right at the start. Whether the
 * run then writes a checkpoint or is ended by the signal itself, the task is requeued: as array_task, since the job's
 * own number may stand for the whole array. Any other exit code of the run becomes the task's.
 */
export function slurmScript(name: string, folder: string, tasks: readonly Task[], options: SlurmOptions): string {
  const cases = tasks.map(({ run, command }, i) => `  ${i}) run=${quoted([run])}; set -- ${quoted(command)} ;;`);
  return `#!/bin/bash
${directives(name, folder, tasks.length, options)
  .map((directive) => `#SBATCH ${directive}`)
  .join('\n')}
# ${tasks.length} runs of the sweep ${name}, one per task. To submit them again, use clr sweep: it skips finished runs.

ending= pid=
trap 'ending=1; [ -z "$pid" ] || kill -USR2 "$pid" 2>/dev/null' USR2
trap '[ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null' TERM
${options.setup.map((line) => `${line}\n`).join('')}
case $SLURM_ARRAY_TASK_ID in
${cases.join('\n')}
  *) echo "there is no task $SLURM_ARRAY_TASK_ID" >&2; exit 2 ;;
esac

"$@" >>"$run.log" 2>&1 &
pid=$!
[ -z "$ending" ] || kill -USR2 "$pid"
while :; do
  wait "$pid"
  code=$?
  kill -0 "$pid" 2>/dev/null || break # else a signal ended the waiting, not the run
done
echo "$(date -u +%FT%TZ) $run: exit code $code"
[ "$code" = ${timeIsUp} ] || exit "$code"

iterations=$(wc -l <"$run/iterations.csv" 2>/dev/null || echo 0)
before=-1 requeued=0
if [ -e "$run.requeued" ]; then read -r before requeued <"$run.requeued"; fi
if [ "$iterations" -gt "$before" ]; then requeued=0; fi
if [ "$requeued" -ge ${options.max_requeues} ]; then
  echo "requeued $requeued times without a new iteration, giving up: raise the time limit" >&2
  exit 1
fi
echo "$iterations $((requeued + 1))" >"$run.requeued"
scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
`;
}

function directives(name: string, folder: string, count: number, options: SlurmOptions): string[] {
  const { array_parallelism, timeout_min, mem_gb, signal_delay_s } = options;
  const given: Record<string, string | number | boolean | undefined> = {
    'job-name': `clr-${name}`.replaceAll(/[^\w.=+-]/g, '_'),
    array: `0-${count - 1}${array_parallelism === undefined ? '' : `%${array_parallelism}`}`,
    output: quoted([path.join(folder, '%A_%a.out')]),
    'open-mode': 'append',
    requeue: true,
    signal: `B:USR2@${signal_delay_s}`,
    time: timeout_min,
    'cpus-per-task': options.cpus_per_task,
    'gpus-per-node': options.gpus_per_node,
    mem: mem_gb === undefined ? undefined : `${Math.ceil(mem_gb * 1024)}M`,
    partition: options.partition,
    account: options.account,
    qos: options.qos,
    constraint: options.constraint === undefined ? undefined : quoted([options.constraint]),
    ...options.additional,
  };
  return Object.entries(given)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([key, value]) => (value === true ? `--${key}` : `--${key}=${value}`));
}
