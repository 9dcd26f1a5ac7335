import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runClr, startClr, waitFor } from '../../testing/clr-process.js';
import { countRows } from '../../testing/run-files.js';
import { readCheckpoint } from '../../training/checkpoint.js';
import { probeBackends } from '../index.js';

const { availability } = (await probeBackends()).find(({ name }) => name === 'webgpu')!;
const device = availability.usable ? availability.onlyAs : undefined;
if (!availability.usable) console.log(`clr is not run on webgpu: ${availability.reason}`);

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-webgpu-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const config = path.join(scratch, 'config.json');
writeFileSync(
  config,
  JSON.stringify({
    epochs: 3,
    batch_size: 8,
    dataset: { type: 'synthetic', train_size: 60, val_size: 10 },
    augmentation: { flip: true, crop: { pad: 4 } },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'clr-beta', max_lr: 0.1 },
    backend: 'webgpu',
    ...(device && { device }),
    checkpoint: { every_iterations: 7 },
  }),
);
const run = (name: string) => path.join(scratch, name);
const start = (name: string) => ['run', config, '--run-dir', run(name)];
const iterations = (name: string) => readFileSync(path.join(run(name), 'iterations.csv'), 'utf8');

describe.skipIf(!availability.usable)('clr run on webgpu', () => {
  test('ends with exit code 0 and all files, and says what it ran on', async () => {
    const { code, stdout } = await runClr(start('whole'));
    expect(stdout).toMatch(/val_acc/);
    expect(code).toBe(0);
    expect(countRows(path.join(run('whole'), 'iterations.csv'))).toBe(24);
    expect(countRows(path.join(run('whole'), 'metrics.csv'))).toBe(3);
    const environment = JSON.parse(readFileSync(path.join(run('whole'), 'environment.json'), 'utf8'));
    expect(environment).toMatchObject({
      backend: 'webgpu',
      device: expect.stringContaining(device ?? ''),
      limits: expect.stringMatching(/buffers of \d+ MiB/),
    });
  }, 300_000);

  test('interrupted between checkpoints and resumed, ends as if uninterrupted', async () => {
    const started = startClr(start('interrupted'));
    const file = path.join(run('interrupted'), 'iterations.csv');
    await waitFor(() => countRows(file) >= 9, started);
    started.child.kill('SIGINT');
    expect(await started.ended).toMatchObject({ code: 130, signal: null });
    expect(countRows(file)).toBeLessThan(24);
    expect((await runClr(['run', '--resume', run('interrupted')])).code).toBe(0);
    expect(iterations('interrupted')).toBe(iterations('whole'));
  }, 300_000);

  test('killed and resumed, ends as if uninterrupted', async () => {
    const started = startClr(start('killed'));
    await waitFor(() => countRows(path.join(run('killed'), 'iterations.csv')) >= 16, started);
    started.child.kill('SIGKILL');
    expect(await started.ended).toMatchObject({ signal: 'SIGKILL' });
    expect((await runClr(['run', '--resume', run('killed')])).code).toBe(0);
    expect(iterations('killed')).toBe(iterations('whole'));
  }, 300_000);

  test('stopped at once by a second signal, exits with 130 and can be resumed', async () => {
    const started = startClr(start('stopped'));
    await waitFor(() => countRows(path.join(run('stopped'), 'iterations.csv')) >= 9, started);
    started.child.kill('SIGINT');
    started.child.kill('SIGINT');
    expect(await started.ended).toMatchObject({ code: 130, signal: null });
    expect((await runClr(['run', '--resume', run('stopped')])).code).toBe(0);
    expect(iterations('stopped')).toBe(iterations('whole'));
  }, 300_000);

  test('in float16, killed and resumed, has the same loss scale as if uninterrupted', async () => {
    const half = (name: string) => [...start(name), '--set', 'precision=f16'];
    const lossScale = (name: string) =>
      readCheckpoint(path.join(run(name), 'checkpoints/last.safetensors')).position.lossScale;
    expect((await runClr(half('half'))).code).toBe(0);
    const started = startClr(half('half-killed'));
    await waitFor(() => countRows(path.join(run('half-killed'), 'iterations.csv')) >= 16, started);
    started.child.kill('SIGKILL');
    expect(await started.ended).toMatchObject({ signal: 'SIGKILL' });
    expect((await runClr(['run', '--resume', run('half-killed')])).code).toBe(0);
    expect(iterations('half-killed')).toBe(iterations('half'));
    expect(iterations('half')).toMatch(/,loss,loss_scale\n/);
    expect(iterations('whole')).toMatch(/,loss\n/);
    expect(lossScale('half')).toEqual({ value: 32768, goodSteps: 24 });
    expect(lossScale('half-killed')).toEqual(lossScale('half'));
  }, 300_000);

  test('weights that become NaN end the run as diverged', async () => {
    const rate = ['--set', 'schedule={"type":"constant","lr":1e30}'];
    const { code, stderr } = await runClr([...start('diverged'), ...rate]);
    expect(stderr).toMatch(/diverged/);
    expect(code).toBe(3);
  }, 300_000);

  test.skipIf(!device)(
    'without the name of the software device ends with exit code 5',
    async () => {
      const { code, stderr } = await runClr(['run', config, '--run-dir', run('refused'), '--set', 'device=null']);
      expect(stderr).toMatch(/finds no GPU, only/);
      expect(code).toBe(5);
    },
    60_000,
  );
});
