import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getKernel, type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { wasm } from '../../backends/wasm/index.js';
import * as curves from '../../charts/curves.js';
import { configSchema } from '../../config/schema.js';
import { ClrError } from '../../errors.js';
import { runExperiment } from '../../experiment.js';
import { fingerprint, readSafetensors, readSummary } from '../run-files.js';

vi.mock('../../charts/curves.js', { spy: true });

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-faults-'));
const config = configSchema.parse({
  epochs: 3,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 32, val_size: 20 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.1 },
  backend: 'wasm',
  checkpoint: { every_iterations: 2 },
});
const options = (runs: string) => ({ cacheDirectory: '/nowhere', runs, signal: new AbortController().signal });
const place = () => mkdtempSync(path.join(scratch, 'case-'));
const whole = path.join(scratch, '1');

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await wasm.activate({ precision: 'f32' });
  await runExperiment(config, options(scratch));
}, 120_000);
afterEach(() => vi.useRealTimers());
afterAll(() => rmSync(scratch, { recursive: true }));

/** The error of a run in `runs`. */
async function failure(runs: string, changed: object = {}): Promise<ClrError> {
  const error = await runExperiment(configSchema.parse({ ...config, ...changed }), options(runs)).catch((e) => e);
  expect(error).toBeInstanceOf(ClrError);
  return error as ClrError;
}

it('a backend error ends the run with its iteration and a hint; it can resume from the last checkpoint', async () => {
  const real = getKernel('Conv2D', 'wasm') as KernelConfig;
  let calls = 0;
  registerKernel({
    ...real,
    kernelFunc: (args) => {
      if (++calls > 120) throw new Error('the device is gone');
      return real.kernelFunc(args);
    },
  });
  const runs = place();
  const error = await failure(runs).finally(() => registerKernel(real));
  expect(error.message).toMatch(/^failed at iteration [1-9]\d*: the device is gone$/);
  expect(error.hint).toContain(`clr run --resume ${runs}/1`);
  expect(error.exitCode).toBe(1);
  expect(readSummary(`${runs}/1`)).toMatchObject({ status: 'failed', message: error.message });
  await runExperiment(config, { ...options(runs), resume: `${runs}/1` });
  expect(fingerprint(`${runs}/1`)).toEqual(fingerprint(whole));
}, 120_000);

it('a chart that cannot be drawn is named; the numbers are safe and the other charts drawn', async () => {
  vi.mocked(curves.curves).mockImplementationOnce(() => {
    throw new Error('no such axis');
  });
  const runs = place();
  const error = await failure(runs);
  expect(error.message).toBe(`${runs}/1: cannot draw the chart curves (no such axis)`);
  expect(error.hint).toContain(`clr plot ${runs}/1`);
  expect(error.exitCode).toBe(1);
  expect(readSummary(`${runs}/1`).status).toBe('completed');
  expect(fingerprint(`${runs}/1`)).toEqual(fingerprint(whole));
  expect(readFileSync(`${runs}/1/lr-momentum.png`)).not.toHaveLength(0);
}, 120_000);

it('a clock that jumps does not affect the times', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const write = vi.mocked(process.stderr.write);
  let jump = 1;
  write.mockImplementation(() => {
    jump *= -2; // hours, back and forth at each message
    vi.setSystemTime(new Date(2030, 0, 1).getTime() + jump * 3_600_000);
    return true;
  });
  const runs = place();
  const started = performance.now();
  await runExperiment(config, options(runs));
  const seconds = (performance.now() - started) / 1000;
  write.mockReturnValue(true);
  expect(Math.abs(jump)).toBeGreaterThan(8);
  for (const line of readFileSync(`${runs}/1/metrics.csv`, 'utf8').trimEnd().split('\n').slice(1)) {
    const [epochSeconds, imagesPerSecond] = line.split(',').slice(-2).map(Number) as [number, number];
    expect(epochSeconds).toBeGreaterThan(0);
    expect(epochSeconds).toBeLessThan(seconds);
    expect(imagesPerSecond).toBeGreaterThan(32 / seconds);
  }
}, 120_000);

it('divergence is reported with the first bad and last good iteration; the last good checkpoint is kept', async () => {
  const runs = place();
  const phases = [
    { iterations: 5, lr: 0.01, momentum: 0.9 },
    { iterations: 7, lr: 1e30, momentum: 0.8 },
  ];
  const error = await failure(runs, { schedule: { type: 'phases', phases } });
  expect(error.message).toMatch(
    /^diverged: loss \S+ at iteration 6 \(epoch 2\), LR 1e\+30, momentum 0.8; last good at iteration 5: loss [\d.]+$/,
  );
  expect(error.exitCode).toBe(3);
  expect(readSummary(`${runs}/1`)).toMatchObject({ status: 'diverged', message: error.message });
  const { metadata } = readSafetensors(`${runs}/1/checkpoints/last.safetensors`);
  expect(JSON.parse(metadata.position!)).toMatchObject({ iteration: 4 });
}, 120_000);

it('weights that only validation finds to be bad are not kept, even if they are in the only checkpoint', async () => {
  const runs = place();
  const phases = [
    { iterations: 7, lr: 0.01, momentum: 0.9 },
    { iterations: 5, lr: 1e30, momentum: 0.8 }, // from the last update of the second epoch on
  ];
  const checkpoint = { keep: 1, every_iterations: 2 };
  const error = await failure(runs, { schedule: { type: 'phases', phases }, checkpoint });
  expect(error.message).toMatch(
    /^diverged: validation loss \S+ at iteration 7 \(epoch 2\), LR 1e\+30, .*iteration 7: loss/,
  );
  expect(error.exitCode).toBe(3);
  const { metadata, tensors } = readSafetensors(`${runs}/1/checkpoints/last.safetensors`);
  expect(JSON.parse(metadata.position!)).toMatchObject({ iteration: 6 });
  const bytes = Object.values(tensors).map(([, , hex]) => Uint8Array.from(Buffer.from(hex, 'hex')));
  const values = bytes.flatMap(({ buffer }) => [...new Float32Array(buffer)]);
  expect(values.every((value) => Math.abs(value) < 1000)).toBe(true);
}, 120_000);
