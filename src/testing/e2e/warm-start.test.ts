import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getKernel, type KernelConfig, registerKernel, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { wasm } from '../../backends/wasm/index.js';
import { configSchema } from '../../config/schema.js';
import type { ClrError } from '../../errors.js';
import { runExperiment } from '../../experiment.js';
import { warmStart } from '../../training/warm-start.js';
import { fingerprint, readSafetensors } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-warm-start-'));
const parent = path.join(scratch, '1');
const last = (run: string) => path.join(run, 'checkpoints/last.safetensors');
const options = { cacheDirectory: '/nowhere', runs: scratch, signal: new AbortController().signal };

function config(changed: object) {
  return configSchema.parse({
    epochs: 1,
    batch_size: 8,
    dataset: { type: 'synthetic', train_size: 32, val_size: 20 },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'constant', lr: 0.05 },
    backend: 'wasm',
    checkpoint: { every_iterations: 2 },
    ...changed,
  });
}

const run = async (changed: object) => (await runExperiment(config(changed), options)).directory;
const failure = (changed: object): Promise<ClrError> =>
  run(changed).then(
    () => expect.fail('nothing was thrown'),
    (error) => error,
  );

/** The names of the tensors of a run's checkpoint that are the parent's to the last bit. */
function sharedWithParent(directory: string): string[] {
  const [own, old] = [readSafetensors(last(directory)).tensors, readSafetensors(last(parent)).tensors];
  return Object.keys(own).filter((name) => own[name]![2] === old[name]?.[2]);
}

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await wasm.activate({ precision: 'f32' });
  await run({});
}, 120_000);
afterAll(() => rmSync(scratch, { recursive: true }));

it("starts from a run's weights and records which, with a new optimizer", async () => {
  const child = await run({
    init: { from: '1' },
    optimizer: { type: 'adam' },
    schedule: { type: 'constant', lr: 1e-12 },
  });
  const { init } = JSON.parse(readFileSync(path.join(child, 'environment.json'), 'utf8'));
  const sha256 = readSafetensors(last(parent)).metadata.sha256;
  expect(init).toEqual({ checkpoint: last(parent), sha256, iteration: 4, epoch: 1 });
  const filter = (directory: string) => readSafetensors(last(directory)).tensors['stem.conv.filter']![2];
  const floats = (hex: string) => [...new Float32Array(new Uint8Array(Buffer.from(hex, 'hex')).buffer)];
  const moved = floats(filter(child)).map((value, i) => Math.abs(value - floats(filter(parent))[i]!));
  expect(Math.max(...moved)).toBeLessThan(1e-8);
  const { tensors } = readSafetensors(last(child));
  expect(Object.keys(tensors).filter((name) => name.endsWith('.velocity'))).toEqual([]);
}, 60_000);

it('takes a checkpoint by its path, and leaves frozen layers unchanged while all others learn', async () => {
  const init = { from: last(parent), freeze: ['stem', 'stage2.block1.conv1', 'head'] };
  const child = await run({ init });
  const kept = sharedWithParent(child).filter((name) => !/running|mean|variance/.test(name));
  expect(kept.length).toBeGreaterThan(3);
  for (const name of kept) expect(name).toMatch(/^(stem|stage2\.block1\.conv1|head)\./);
  const { tensors } = readSafetensors(last(child));
  expect(tensors['stem.conv.filter.velocity']).toBeUndefined();
  expect(tensors['stage1.block1.conv1.filter.velocity']).toBeDefined();
}, 60_000);

it('names what differs: shapes, layers missing on either side, unknown layers, missing and damaged checkpoints', async () => {
  const narrow = {
    name: 'stem.conv.filter',
    role: 'filter' as const,
    value: tensor4d(new Array(216).fill(0), [3, 3, 3, 8]),
  };
  const model = { parameters: [narrow], statistics: [], forward: () => expect.unreachable() };
  expect(() => warmStart({ from: '1', skip: [], freeze: [] }, model, scratch)).toThrow(
    /does not fit the model: it has "stem\.conv\.filter" of shape \[3,3,3,16\], not \[3,3,3,8\]; .*; and \d+ more$/,
  );
  const deeper = await failure({ init: { from: '1' }, model: { type: 'resnet', depth: 14 } });
  expect(deeper.message).toContain('has no tensor "stage1.block2.conv1.filter"');
  const larger = await run({ model: { type: 'resnet', depth: 14 }, max_iterations: 1 });
  const shallower = await failure({ init: { from: larger } });
  expect(shallower.message).toContain('has "stage1.block2.conv1.filter", which the model lacks');
  expect((await failure({ init: { from: '1', freeze: ['stagee1'] } })).message).toBe(
    'init.freeze: the model has no layer "stagee1", did you mean "stage1"?',
  );
  expect((await failure({ init: { from: 'nowhere' } })).message).toContain('there is no run or checkpoint nowhere');
  const damaged = path.join(scratch, 'damaged.safetensors');
  appendFileSync(damaged, readFileSync(last(parent)).fill(7, 5000, 5010));
  expect((await failure({ init: { from: damaged } })).message).toMatch(/damaged\.safetensors is damaged/);
}, 60_000);

it('starts skipped layers from fresh weights, so that the classes may differ', async () => {
  const skip = await run({ init: { from: '1', skip: ['head'], freeze: ['stem', 'stage1', 'stage2', 'stage3'] } });
  expect(sharedWithParent(skip)).toContain('stage3.block1.conv2.filter');
  expect(sharedWithParent(skip).filter((name) => name.startsWith('head'))).toEqual([]);
  const projected = { type: 'resnet', depth: 8, shortcut: 'projection' };
  const from = await run({ model: projected, max_iterations: 1 });
  const without = await run({ init: { from, skip: ['stage2.block1', 'stage3.block1'] }, max_iterations: 1 });
  expect(readFileSync(path.join(without, 'environment.json'), 'utf8')).toContain(from); // which alone has shortcuts
  const deeper = await run({ model: { type: 'resnet', depth: 14 }, max_iterations: 1 });
  const blocks = [1, 2, 3].map((stage) => `stage${stage}.block2`);
  await run({ init: { from: deeper, skip: blocks }, max_iterations: 1 });
}, 60_000);

/** The folder of a run that failed after so many convolutions. */
async function killed(calls: number, changed: object): Promise<string> {
  const real = getKernel('Conv2D', 'wasm') as KernelConfig;
  let left = calls;
  registerKernel({
    ...real,
    kernelFunc: (args) => {
      if (left-- === 0) throw new Error('the device is gone');
      return real.kernelFunc(args);
    },
  });
  const error = await failure(changed).finally(() => registerKernel(real));
  return /--resume ([^\s`]+)/.exec(error.hint ?? '')![1]!;
}

it.each([30, 170])(
  'resumes exactly when it was killed after %d convolutions',
  async (calls) => {
    const changed = { epochs: 2, init: { from: '1', freeze: ['stem'] } };
    const whole = await run(changed);
    const directory = await killed(calls, changed);
    await runExperiment(config(changed), { ...options, resume: directory });
    expect(fingerprint(directory)).toEqual(fingerprint(whole));
  },
  120_000,
);

it('resumes from its first checkpoint without its parent', async () => {
  const changed = { init: { from: await run({ max_iterations: 1 }) } };
  const directory = await killed(30, changed);
  rmSync(changed.init.from, { recursive: true });
  const { summary } = await runExperiment(config(changed), { ...options, resume: directory });
  expect(summary).toMatchObject({ status: 'completed', iterations: 4 });
}, 60_000);
