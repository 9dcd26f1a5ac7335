import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { runClr, startClr, waitFor } from '../clr-process.js';
import { countRows, readSummary } from '../run-files.js';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'clr-or-resume-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const config = path.join(scratch, 'config.json');
const settings = {
  epochs: 2,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 64, val_size: 10 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.1 },
  backend: 'wasm',
};
writeFileSync(config, JSON.stringify(settings));
const command = (name: string, ...more: string[]) => [
  ...['run', config, '--run-dir', path.join(scratch, name), '--or-resume'],
  ...more,
];

it.each([{ more: [] }, { more: ['--until-epoch', '1'] }])(
  'a run killed before its first row is started over: $more',
  async ({ more }) => {
    const run = path.join(scratch, `early${more.length}`);
    expect((await runClr(command(path.basename(run), '--until-epoch', '1'))).code).toBe(0);
    for (const name of ['metrics.csv', 'iterations.csv', 'checkpoints'])
      rmSync(path.join(run, name), { recursive: true });
    writeFileSync(path.join(run, 'summary.json'), JSON.stringify({ ...readSummary(run), status: 'running' }));
    expect(await runClr(command(path.basename(run), ...more))).toMatchObject({ code: 0 });
    expect(countRows(path.join(run, 'metrics.csv'))).toBe(more.length ? 1 : 2);
  },
);

it('one command starts a run, resumes it, and does nothing once it is done', async () => {
  const run = path.join(scratch, 'run');
  mkdirSync(run); // as left by a run that was killed before it had a config
  const started = startClr(command('run'));
  await waitFor(() => countRows(path.join(run, 'iterations.csv')) > 2, started);
  started.child.kill('SIGUSR2'); // a batch system: time is nearly up
  await new Promise((resolve) => started.child.stderr!.once('data', resolve));
  started.child.kill('SIGTERM'); // which does not count as a second signal then
  expect(await started.ended).toMatchObject({ code: 140, stderr: expect.stringMatching(/interrupted: stopped after/) });
  expect(readSummary(run).status).toBe('interrupted');
  expect(await runClr(command('run'))).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/from iteration [1-9]/),
  });
  expect(await runClr(command('run'))).toMatchObject({ code: 0, stderr: expect.stringMatching(/is done: completed/) });
  const other = await runClr(command('run', '--set', 'batch_size=4'));
  expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/config differs in batch_size/) });
}, 300_000);

it('a diverged run ends with 3 each time, and is not trained again', async () => {
  for (const message of [/diverged: loss/, /is done: diverged/])
    expect(await runClr(command('bad', '--set', 'schedule.max_lr=1e9'))).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(message),
    });
}, 300_000);

it('needs the folder of the run', async () => {
  const { code, stderr } = await runClr(['run', config, '--or-resume']);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/--or-resume needs the folder/)]);
});

it('a Slurm task takes over its run from its own earlier start on another node; no other process does', async () => {
  const run = path.join(scratch, 'node');
  expect(await runClr(command('node'))).toMatchObject({ code: 0 });
  writeFileSync(path.join(run, 'summary.json'), JSON.stringify({ status: 'running' })); // as left by a lost node
  writeFileSync(path.join(run, 'lock-node7-1-1'), JSON.stringify({ id: '12_3', start: 0 }));
  const task = (id: string, restarts: string) => ({
    env: { SLURM_ARRAY_JOB_ID: id, SLURM_ARRAY_TASK_ID: '3', SLURM_RESTART_COUNT: restarts },
  });
  for (const other of [{}, task('13', '1'), task('12', '0')])
    expect(await runClr(command('node'), other)).toMatchObject({ code: 2, stderr: expect.stringMatching(/in use by/) });
  expect(await runClr(command('node'), task('12', '1'))).toMatchObject({ code: 0 });
  expect(readSummary(run).status).toBe('completed');
}, 300_000);

it('a run is resumed and exported with its own images only; evaluate says if it is given others', async () => {
  const data = path.join(scratch, 'images');
  const image = async (name: string, red: number) => {
    mkdirSync(path.dirname(path.join(data, name)), { recursive: true });
    const create = { width: 8, height: 8, channels: 3, background: { r: red, g: red, b: red } } as const;
    await sharp({ create }).png().toFile(path.join(data, name));
  };
  for (const split of ['train', 'test'])
    for (const [i, name] of ['dark', 'light'].entries()) await image(`${split}/${name}/1.png`, 100 * i);
  const given = ['--data', data, '--cache', path.join(scratch, 'cache')];
  const train = command('own', '--set', 'dataset={ type: images }', '--set', 'batch_size=1', ...given);
  expect(await runClr([...train, '--until-epoch', '1'])).toMatchObject({ code: 0 });

  await image('train/light/2.png', 200);
  const run = path.join(scratch, 'own');
  const other = { code: 4, stderr: expect.stringContaining('was trained on other images') };
  expect(await runClr(train)).toMatchObject(other);
  expect(await runClr(['export', run, '--weights', 'safetensors', ...given])).toMatchObject(other);
  expect(await runClr(['evaluate', run, ...given])).toMatchObject({ ...other, code: 0 });
  rmSync(path.join(data, 'train/light/2.png'));
  expect(await runClr(train)).toMatchObject({ code: 0 });
}, 120_000);
