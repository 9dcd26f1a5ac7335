import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../diagnostics/doctor.js';

const work = mkdtempSync(join(tmpdir(), 'clr-'));
const archive = join(work, 'clr-portable.tar.xz');
const tools = join(work, 'tools');
const empty = join(work, 'empty');

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/pack-portable.mjs', archive]);
  execFileSync('tar', ['-xf', archive, '-C', work]);
  mkdirSync(empty);
  mkdirSync(tools); // a PATH with what the launcher needs, but without node
  for (const tool of ['dirname', 'readlink'])
    symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(tools, tool));
}, 600_000);
afterAll(() => rmSync(work, { recursive: true }));

const unpacked = join(work, 'clr-portable');
const clr = (...args: string[]) =>
  execa(join(unpacked, 'clr'), args, { cwd: empty, env: { PATH: tools }, extendEnv: false });

test('it is not packed without the Vulkan loader, which GPU hosts often lack', async () => {
  const packing = execa('node', ['scripts/pack-portable.mjs', join(work, 'none.tar.xz')], {
    env: { LDCONFIG: 'true' },
  });
  await expect(packing).rejects.toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/no libvulkan\.so\.1/) });
});

test('the portable archive has at most 60 MB', () => {
  expect(statSync(archive).size).toBeLessThanOrEqual(60e6);
});

test('unpacked, it finds the same backends, font and kernels as the checkout, even if PATH has no node', async () => {
  await expect(execa('node', ['--version'], { env: { PATH: tools }, extendEnv: false })).rejects.toThrow('ENOENT');
  const usable = (stdout: string) =>
    (JSON.parse(stdout) as Finding[])
      .filter(({ ok, subject }) => ok && subject !== 'backend tensorflow') // the archive does not carry TensorFlow
      .map(({ subject }) => subject);
  const here = await execa('node', ['bin/clr.js', 'doctor', '--json', '--cache', 'nowhere'], {
    env: { CLR_DATA: undefined },
  });
  expect(usable((await clr('doctor', '--json', '--cache', 'nowhere')).stdout)).toEqual(usable(here.stdout));
  expect((await clr('doctor', '--kernels', 'wasm')).exitCode).toBe(0);
});

test('unpacked, it times the training step', async () => {
  const { stdout } = await clr('bench', '--depth', '8', '--batch-size', '8', '--steps', '2', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ batch_size: 8, images_per_second: expect.any(Number) });
});

test('unpacked, it trains into a run folder with charts, and records versions and the commit', async () => {
  await clr('run', join(unpacked, 'configs/quickstart.json'), '--epochs', '1', '--max-iterations', '3');
  const run = join(empty, 'runs/1');
  expect(readdirSync(run)).toEqual(expect.arrayContaining(['metrics.csv', 'curves.png', 'lr-momentum.png']));
  const { packages, git } = JSON.parse(readFileSync(join(run, 'environment.json'), 'utf8'));
  expect(Object.values(packages)).not.toContain(null);
  expect(git.commit).toBe(execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim());
});
