import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { BenchResult } from '../diagnostics/bench.js';

const tiny = '--depth 8 --batch-size 4 --steps 2 --warmup 1 --backend wasm'.split(' ');
const bench = (...args: string[]) => execa('node', ['bin/clr.js', 'bench', ...tiny, ...args], { reject: false });

test('bench --json says what ran, with speed and memory as positive numbers that agree', async () => {
  const { exitCode, stdout } = await bench('--json');
  expect(exitCode).toBe(0);
  const result = JSON.parse(stdout) as BenchResult;
  expect(result).toMatchObject({ name: 'wasm', precision: 'f32', threads: 1, batch_size: 4, steps: 2 });
  expect(result.device).toMatch(/WebAssembly/);
  const [q1, q3] = result.quartiles_ms;
  expect(q1).toBeGreaterThan(0);
  expect(result.median_ms).toBeGreaterThanOrEqual(q1);
  expect(q3).toBeGreaterThanOrEqual(result.median_ms);
  expect(result.images_per_second).toBeCloseTo(4000 / result.median_ms, 6);
  expect(result.warmup_seconds).toBeGreaterThan(0);
  expect(result.peak_memory_mb).toBeGreaterThan(50);
  expect(result).not.toHaveProperty('profile');
});

test('a run with more images than are generated can be timed', async () => {
  const keys = ['order=fixed-cyclic', 'nominal_batch_size=100'].flatMap((key) => ['--set', key]);
  expect(await bench(...keys)).toMatchObject({ exitCode: 0 });
});

test('bench --profile lists the kernels of a step, the slowest first, with the calls that ResNet-8 makes', async () => {
  const { exitCode, stdout } = await bench('--profile', '--json');
  expect(exitCode).toBe(0);
  const { profile, quartiles_ms } = JSON.parse(stdout) as Required<BenchResult>;
  const calls = Object.fromEntries(profile.map(({ kernel, calls }) => [kernel, calls]));
  expect(calls).toMatchObject({ Conv2D: 7, Conv2DBackpropInput: 6, Conv2DBackpropFilter: 7, SgdUpdate: 1 });
  const times = profile.map(({ ms }) => ms);
  expect(times).toEqual(times.toSorted((a, b) => b - a));
  expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
  expect(times.reduce((a, b) => a + b)).toBeGreaterThan(0.3 * quartiles_ms[0]);
});

test('bench without --json ends with the profile, one line per kernel', async () => {
  const { exitCode, stdout } = await bench('--profile');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^wasm on .*, f32, threads 1, batch 4\n[\d.]+ images\/s: [\d.]+ ms per step \(median of 2, /);
  expect(stdout).toMatch(/\n +[\d.]+ ms +7 calls {2}Conv2D\n/);
});
