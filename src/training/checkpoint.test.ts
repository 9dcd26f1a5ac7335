import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { memory, tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import { readSafetensors } from '../testing/run-files.js';
import { discardCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { type Position, startPosition } from './position.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-checkpoint-'));
let run: string;
const reports: string[] = [];
const report = (message: string) => void reports.push(message);
const file = (name: string) => path.join(run, `checkpoints/${name}.safetensors`);
const names = () => readdirSync(path.join(run, 'checkpoints')).sort();
const variables = (...values: number[]) => [
  { name: 'a', value: tensor(values.slice(0, 2), [1, 2]) },
  { name: 'b', value: tensor(values[2]!) },
];
const at = (iteration: number, more: Partial<Position> = {}): Position => ({ ...startPosition(), iteration, ...more });
const load = () => loadCheckpoint(run, variables(0, 0, 0), report);

beforeAll(() => cpu.activate({ precision: 'f32' }));
beforeEach(() => {
  run = mkdtempSync(path.join(scratch, 'run-'));
  mkdirSync(path.join(run, 'checkpoints'));
  reports.length = 0;
});
afterAll(() => rmSync(scratch, { recursive: true }));

it('restores what was saved, to the last bit, and leaves no extra tensor', async () => {
  const sums = { images: 7, trainSeconds: 0.1, seconds: 0.2, loss: 1 / 3, correct: 2 };
  const lossScale = { value: 2 ** 13, goodSteps: 1234 };
  const position = at(5, { lossScale, sums, last: { epoch: 1, val_acc: 50.1, val_loss: Math.E }, best: null });
  await saveCheckpoint(run, variables(Math.fround(0.1), -0, 1e-40), position, 2);
  const restored = variables(0, 0, 0);
  const tensors = memory().numTensors;
  expect(loadCheckpoint(run, restored, report)).toEqual(position);
  expect(restored.map(({ value }) => [...value.dataSync()])).toEqual([[Math.fround(0.1), -0], [Math.fround(1e-40)]]);
  expect(memory().numTensors).toBe(tensors);
  expect(reports).toEqual([]);
});

it('is a safetensors file that another reader accepts', async () => {
  await saveCheckpoint(run, variables(1, 2, 3), at(5), 2);
  const { metadata, tensors } = readSafetensors(file('last'));
  expect(tensors).toEqual({ a: ['F32', [1, 2], '0000803f00000040'], b: ['F32', [], '00004040'] });
  expect(JSON.parse(metadata.position!)).toMatchObject({ iteration: 5 });
});

it('keeps as many as asked for, newest first, plus the best', async () => {
  const best = { epoch: 2, val_acc: 60, val_loss: 1 };
  await saveCheckpoint(run, variables(1, 1, 1), at(1, { epoch: 2, last: best, best }), 3);
  for (const i of [2, 3, 4]) await saveCheckpoint(run, variables(i, i, i), at(i, { epoch: 3, best }), 3);
  expect(names()).toEqual(['best', 'last', 'previous-2', 'previous'].map((name) => `${name}.safetensors`));
  const iterations = ['last', 'previous', 'previous-2', 'best'].map((name) => {
    return JSON.parse(readSafetensors(file(name)).metadata.position!).iteration;
  });
  expect(iterations).toEqual([4, 3, 2, 1]);
});

it('is not written if weights are not finite', async () => {
  await saveCheckpoint(run, variables(1, 1, 1), at(1), 2);
  await saveCheckpoint(run, variables(1, Number.NaN, 1), at(2), 2);
  await saveCheckpoint(run, variables(1, 1, Number.POSITIVE_INFINITY), at(3), 2);
  expect(load()?.iteration).toBe(1);
});

it('is discarded after a divergence if there is an older one', async () => {
  await saveCheckpoint(run, variables(1, 1, 1), at(1), 2);
  discardCheckpoint(run, 1);
  expect(load()?.iteration).toBe(1);
  await saveCheckpoint(run, variables(2, 2, 2), at(2), 2);
  discardCheckpoint(run, 1);
  expect(load()?.iteration).toBe(2);
  discardCheckpoint(run, 2);
  expect(load()?.iteration).toBe(1);
});

it('with any one bit flipped, or cut off anywhere, is passed over for the one before it', async () => {
  await saveCheckpoint(run, variables(1, 2, 3), at(1), 2);
  await saveCheckpoint(run, variables(4, 5, 6), at(2), 2);
  const whole = readFileSync(file('last'));
  for (let i = 0; i < whole.length; i++) {
    const damaged = Buffer.from(whole);
    damaged[i] = damaged[i]! ^ (1 << (i % 8));
    for (const bytes of [damaged, whole.subarray(0, i)]) {
      writeFileSync(file('last'), bytes);
      expect(load()?.iteration, `byte ${i}`).toBe(1);
      expect(reports.pop()).toMatch(
        /last\.safetensors is (damaged|cut off).*resuming from previous\.safetensors, iteration 1$/,
      );
    }
  }
});

it('is undefined if there is none, and an error if none is usable', async () => {
  expect(load()).toBeUndefined();
  writeFileSync(file('last'), 'x');
  mkdirSync(file('previous'));
  expect(load).toThrow(/no usable checkpoint: .*last\.safetensors is cut off; .*previous\.safetensors is not a file/);
});

/** Changes the header of the last checkpoint, and makes its checksum match. */
function forge(change: (header: Record<string, { dtype: string; data_offsets: number[] }>) => void): void {
  const bytes = readFileSync(file('last'));
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, end));
  change(header);
  const text = Buffer.from(JSON.stringify(header).padEnd(end - 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const forged = Buffer.concat([length, text, bytes.subarray(end)]);
  const seal = 8 + '{"__metadata__":{"sha256":"'.length;
  forged.write('0'.repeat(64), seal);
  forged.write(createHash('sha256').update(forged).digest('hex'), seal);
  writeFileSync(file('last'), forged);
}

it.each<[string, Parameters<typeof forge>[0], RegExp]>([
  ['no change', () => {}, /^$/],
  ['another dtype', ({ a }) => Object.assign(a!, { dtype: 'I32' }), /has "a" as I32, not F32/],
  [
    'overlapping tensors',
    ({ b }) => Object.assign(b!, { data_offsets: [4, 8] }),
    /has "b" in bytes 4 to 8, not 8 to 12/,
  ],
  ['tensors past its end', ({ b }) => Object.assign(b!, { data_offsets: [8, 16] }), /has "b" in bytes 8 to 16, not 8/],
  ['a shape of too few', ({ a }) => Object.assign(a!, { shape: [1] }), /has "a" in bytes 0 to 8, not 0 to 4/],
])('with a valid checksum but %s, is passed over for the one before it', async (_, change, message) => {
  await saveCheckpoint(run, variables(1, 2, 3), at(1), 2);
  await saveCheckpoint(run, variables(4, 5, 6), at(2), 2);
  forge(change);
  expect(load()?.iteration).toBe(message.source === '^$' ? 2 : 1);
  expect(reports.join()).toMatch(message);
});

it('with values that are not finite, or a position that the run cannot have, is passed over', async () => {
  await saveCheckpoint(run, variables(1, 2, 3), at(1), 3);
  await saveCheckpoint(run, variables(4, 5, 6), at(2), 3);
  await saveCheckpoint(run, variables(7, 8, 9), at(3), 3);
  const bytes = readFileSync(file('last'));
  bytes.writeFloatLE(Number.NaN, bytes.length - 4);
  writeFileSync(file('last'), bytes);
  forge(() => {});
  const tensors = memory().numTensors;
  expect(
    loadCheckpoint(run, variables(0, 0, 0), report, ({ iteration }) => (iteration === 2 ? 'is odd' : undefined)),
  ).toMatchObject({ iteration: 1 });
  expect(reports[0]).toMatch(/last\.safetensors has values in "b" that are not finite; .*previous\.safetensors is odd/);
  expect(memory().numTensors).toBe(tensors + 2);
});

it('keeps one fewer than before when asked to', async () => {
  for (const i of [1, 2]) await saveCheckpoint(run, variables(i, i, i), at(i), 2);
  await saveCheckpoint(run, variables(3, 3, 3), at(3), 1);
  expect(names()).toEqual(['last.safetensors']);
});

it('of another model is rejected, naming the tensor that differs', async () => {
  await saveCheckpoint(run, variables(1, 2, 3), at(1), 2);
  const other = [{ name: 'c', value: tensor(0) }];
  const tensors = memory().numTensors;
  expect(() => loadCheckpoint(run, other, report)).toThrow(/has no tensor "c"/);
  const reshaped = [{ name: 'a', value: tensor([0, 0]) }];
  expect(() => loadCheckpoint(run, reshaped, report)).toThrow(/has "a" of shape \[1,2\], not \[2\]/);
  expect(memory().numTensors).toBe(tensors + 1);
});
