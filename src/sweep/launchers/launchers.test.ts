import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { quoted } from '../../system/shell.js';
import { runClr } from '../../testing/clr-process.js';
import { kubernetesJob } from './kubernetes.js';
import { slurmSchema } from './options.js';
import { slurmScripts } from './slurm.js';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'clr-launchers-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const run = path.join(scratch, 'an arm', 'seed-1');

/** The batch script of one task whose command is a shell line. `execute` runs it with an scontrol that only logs. */
function script(line: string, options: object = {}): string {
  const [array] = slurmScripts('s', scratch, [{ run, command: ['sh', '-c', line] }], slurmSchema.parse(options), 10);
  return array!.script;
}

function execute(line: string, { signal = '', options = {} } = {}) {
  const file = path.join(scratch, 'job.sh');
  writeFileSync(file, script(line, options));
  const env = {
    ...process.env,
    PATH: `${scratch}/bin:${process.env.PATH}`,
    SLURM_ARRAY_JOB_ID: '7',
    SLURM_ARRAY_TASK_ID: '0',
  };
  const start = signal ? `bash ${file} & sleep 0.5; kill -${signal} $!; wait $!` : `bash ${file}`;
  const { status } = spawnSync('bash', ['-c', start], { env });
  const asked = path.join(scratch, 'asked');
  const requeued = readFileSync(asked, { flag: 'a+', encoding: 'utf8' });
  rmSync(asked);
  return { status, requeued };
}

beforeAll(() => {
  mkdirSync(path.join(scratch, 'bin'));
  mkdirSync(run, { recursive: true });
  writeFileSync(path.join(scratch, 'bin/scontrol'), `#!/bin/sh\necho "$@" >>'${scratch}/asked'\n`);
  chmodSync(path.join(scratch, 'bin/scontrol'), 0o755);
});

describe('the batch script', () => {
  it.each([0, 1, 2, 3, 4, 137])('ends with the exit code %d of its run, and requeues nothing', (code) => {
    expect(execute(`exit ${code}`)).toEqual({ status: code, requeued: '' });
  });

  it.each([
    ['writes a checkpoint', 'trap "exit 140" USR2; while :; do sleep 0.1; done'],
    ['is ended by the signal, in its first second', 'exec sleep 10'],
  ])('requeues its own task when the time is nearly up and the run %s', (_, line) => {
    expect(execute(line, { signal: 'USR2' })).toEqual({ status: 0, requeued: 'requeue 7_0\n' });
  });

  it('stops requeuing a run that makes no progress, and restarts the count after a new iteration', () => {
    rmSync(`${run}.requeued`, { force: true });
    const options = { max_requeues: 2 };
    const ends = [1, 2, 3].map(() => execute('exit 140', { options }).status);
    expect(ends).toEqual([0, 0, 1]);
    writeFileSync(path.join(run, 'iterations.csv'), 'iteration\n0\n1\n');
    expect(execute('exit 140', { options })).toEqual({ status: 0, requeued: 'requeue 7_0\n' });
  });

  it('passes the options on under the names of sbatch', () => {
    const text = script('true', {
      ...{ timeout_min: 90, cpus_per_task: 4, gpus_per_node: 1, mem_gb: 1.5, partition: 'gpu', account: 'a', qos: 'q' },
      ...{ constraint: 'zen4&ib', array_parallelism: 3, setup: ['module load nodejs'] },
      additional: { nice: 10, exclusive: true },
    });
    const asked = [...text.matchAll(/^#SBATCH (.*)/gm)].map(([, directive]) => directive);
    expect(asked).toEqual([
      ...[
        '--job-name=clr-s',
        '--array=0-0%3',
        `--output=${scratch}/slurm/%A_%a.out`,
        '--open-mode=append',
        '--requeue',
      ],
      ...['--signal=B:USR2@120', '--time=90', '--cpus-per-task=4', '--gpus-per-node=1', '--mem=1536M'],
      ...['--partition=gpu', '--account=a', '--qos=q', "--constraint='zen4&ib'", '--nice=10', '--exclusive'],
    ]);
    expect(text).toContain('\nmodule load nodejs\n');
  });

  it('is split if there are more tasks than an array may have', () => {
    const tasks = Array.from({ length: 25 }, (_, i) => ({ run: `/r/${i}`, command: ['true'] }));
    const arrays = slurmScripts('s', scratch, tasks, slurmSchema.parse({}), 10);
    expect(arrays.map((array) => array.tasks.length)).toEqual([10, 10, 5]);
    expect(arrays[2]!.script).toMatch(/#SBATCH --array=0-4[\s\S]*\n {2}0\) run=\/r\/20;/);
  });
});

it('a Kubernetes Job has one index per run, and never retries usage errors, divergence and missing data', () => {
  const tasks = ['a', "b'c"].map((name) => ({ run: `/data/${name}`, command: ['echo', name] }));
  const job = parse(kubernetesJob('My sweep!', '/data/s', tasks, { image: 'clr:1', claim: 'c', retries: 2 }, 8));
  expect(job.metadata.generateName).toBe('clr-my-sweep-');
  expect(job.spec).toMatchObject({
    completionMode: 'Indexed',
    completions: 2,
    parallelism: 2,
    backoffLimitPerIndex: 2,
  });
  expect(job.spec.podReplacementPolicy).toBe('Failed');
  expect(job.spec.podFailurePolicy.rules[0]).toEqual({
    action: 'FailIndex',
    onExitCodes: { containerName: 'clr', operator: 'In', values: [2, 3, 4] },
  });
  const { containers, volumes } = job.spec.template.spec;
  expect([containers[0].volumeMounts, volumes[0].persistentVolumeClaim]).toEqual([
    [{ name: 'runs', mountPath: '/data' }],
    { claimName: 'c' },
  ]);
  const [shell, ...args] = containers[0].command as [string, ...string[]];
  const ran = [0, 1, 2].map((i) =>
    spawnSync(shell, args, { env: { ...process.env, JOB_COMPLETION_INDEX: String(i) } }),
  );
  expect(ran.map(({ status, stdout }) => [status, String(stdout)])).toEqual([
    [0, 'a\n'],
    [0, "b'c\n"],
    [2, ''],
  ]);
});

it('a printed command passes through a shell unchanged', () => {
  const words = ['a b', "it's", '$HOME', '', 'plain=1', '*', '\\'];
  const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${quoted(words)}`], { encoding: 'utf8' });
  expect(stdout.split('\n').slice(0, -1)).toEqual(words);
});

it('without Slurm, submitting ends with one line and exit code 5; --dry-run still prints the script', async () => {
  writeFileSync(path.join(scratch, 'base.json'), JSON.stringify({ schedule: { type: 'constant', lr: 0.1 } }));
  const file = path.join(scratch, 'sweep.json');
  const slurm = { timeout_min: 5, cpus_per_task: 4 };
  writeFileSync(file, JSON.stringify({ name: 's', base: 'base.json', seeds: 2, slurm }));
  const out = path.join(scratch, 'out');
  const submit = (...flags: string[]) =>
    runClr(['sweep', file, '--out', out, '--launcher', 'slurm', ...flags], {
      env: { PATH: path.join(scratch, 'none') },
    });
  const message =
    /^clr: there is no Slurm on this machine: scontrol was not found\n {2}hint: submit on a login node of the cluster.*\n$/;
  expect(await submit()).toMatchObject({ code: 5, stdout: '', stderr: expect.stringMatching(message) });
  expect(existsSync(out)).toBe(false);
  const { code, stdout } = await submit('--dry-run');
  expect(code).toBe(0);
  expect(stdout).toMatch(/#SBATCH --array=0-1\n[\s\S]*#SBATCH --cpus-per-task=4\n/);
  expect(stdout).not.toContain('--threads'); // a run uses as many as Slurm gives it, if its backend has threads
});

it("Slurm's settings are refused where another launcher would ignore them", async () => {
  const config = path.join(scratch, 'constant.json');
  writeFileSync(config, JSON.stringify({ schedule: { type: 'constant', lr: 0.1 } }));
  const file = path.join(scratch, 'unused.json');
  writeFileSync(file, JSON.stringify({ name: 'unused', base: 'constant.json', seeds: 2 }));
  const message = 'clr: --slurm has no effect with --launcher local\n  hint: add --launcher slurm\n';
  for (const command of [
    ['sweep', file],
    ['tune', config],
  ])
    expect(await runClr([...command, '--slurm', 'timeout_min=5'])).toMatchObject({ code: 2, stderr: message });
});
