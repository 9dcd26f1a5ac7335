import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Rank, type ShapeMap, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { ClrError } from '../errors.js';
import type { Variable } from '../models/model.js';
import { checkpointFolder } from '../runs/run-folder.js';
import { removeIfPossible, replaceFile } from '../system/atomic.js';
import type { Position } from './position.js';

/**
 * A checkpoint is one safetensors file (https://github.com/huggingface/safetensors): 8 bytes with the header's length,
 * the header as JSON, the tensors' float32 values. Its `__metadata__` holds the position as JSON and a SHA-256 of the
 * whole file, computed with zeros in its own place. The header starts with it, so its place is the same in every file.
 */
export interface Header {
  __metadata__: { sha256: string; position: string };
  [tensor: string]: Entry | Header['__metadata__'];
}

interface Entry {
  dtype: 'F32';
  shape: number[];
  /** First byte and the one after the last, counted from the end of the header. */
  data_offsets: [number, number];
}

const unsealed = '0'.repeat(64);
const sealOffset = 8 + '{"__metadata__":{"sha256":"'.length;
const maxBytes = 2 ** 31 - 1; // the limit of readFileSync

const nameOf = (age: number) => `${['last', 'previous'][age] ?? `previous-${age}`}.safetensors`;

/**
 * Writes checkpoints/last and keeps the `keep` - 1 before it as previous, previous-2, ...; writes checkpoints/best if
 * the epoch that has just ended is the best. Each is complete before an older one is removed. Weights that are not
 * finite are not saved.
 */
export async function saveCheckpoint(
  directory: string,
  variables: Variable[],
  position: Position,
  keep: number,
): Promise<void> {
  const values = await Promise.all(variables.map(({ value }) => value.data() as Promise<Float32Array>));
  if (!values.every(allFinite)) return;
  const bytes = encode(variables, values, position);
  const file = (name: string) => path.join(directory, checkpointFolder, name);
  if (position.best?.epoch === position.epoch && position.sums.images === 0)
    replaceFile(file('best.safetensors'), bytes);
  replaceFile(file(nameOf(0)), bytes, {
    beforeRename() {
      for (let age = keep - 1; age > 0; age--)
        if (existsSync(file(nameOf(age - 1)))) renameSync(file(nameOf(age - 1)), file(nameOf(age)));
    },
  });
  removeIfPossible(file(nameOf(keep))); // left by a save that kept one more
}

/**
 * Puts the values of the newest intact checkpoint into `variables` and returns its position; undefined if there is no
 * checkpoint at all. One that is damaged, or has a `problemWith` its position, is reported, and the one before it used.
 */
export function loadCheckpoint(
  directory: string,
  variables: Variable[],
  report: (message: string) => void,
  problemWith: (position: Position) => string | undefined = () => undefined,
): Position | undefined {
  const problems: string[] = [];
  for (const name of checkpointsIn(path.join(directory, checkpointFolder))) {
    try {
      const position = decode(readWhole(path.join(directory, checkpointFolder, name)), variables, problemWith);
      if (problems.length > 0) report(`${problems.join('; ')}: resuming from ${name}, iteration ${position.iteration}`);
      return position;
    } catch (error) {
      problems.push(`${path.join(directory, checkpointFolder, name)} ${(error as Error).message}`);
    }
  }
  if (problems.length === 0) return undefined;
  throw new ClrError('data', `no usable checkpoint: ${problems.join('; ')}`, 'start a new run');
}

/**
 * Discards the last checkpoint if it is of `iteration`, whose weights turned out to be bad, and puts the one before it
 * in its place, if there is one.
 */
export function discardCheckpoint(directory: string, iteration: number): void {
  const [last, ...older] = checkpointsIn(path.join(directory, checkpointFolder)).map((name) =>
    path.join(directory, checkpointFolder, name),
  );
  if (!last || older.length === 0 || unseal(readWhole(last)).position.iteration !== iteration) return;
  for (const [i, file] of older.entries()) renameSync(file, [last, ...older][i]!);
}

/** Newest first. */
function checkpointsIn(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^(last|previous(-\d+)?)\./.test(name)) : [];
  const ages = names.map((_, age) => age + 1); // one may be missing between them
  return [0, ...ages].map(nameOf).filter((name) => names.includes(name));
}

/** Number of updates up to the newest readable checkpoint; 0: there is none. Weights are not checked. */
export function iterationReached(directory: string): number {
  for (const name of checkpointsIn(path.join(directory, checkpointFolder))) {
    try {
      return readCheckpoint(path.join(directory, checkpointFolder, name)).position.iteration;
    } catch {} // resuming reports what is wrong with it, and also uses the one before
  }
  return 0;
}

/** The parts of a checkpoint; throws an Error that says what is wrong unless it is intact. */
export function readCheckpoint(file: string): { header: Header; position: Position; data: Buffer } {
  return unseal(readWhole(file));
}

function readWhole(file: string): Buffer {
  const stats = statSync(file);
  if (!stats.isFile()) throw new Error('is not a file');
  if (stats.size > maxBytes) throw new Error('is larger than a checkpoint can be');
  return readFileSync(file);
}

function encode(variables: Variable[], values: Float32Array[], position: Position): Buffer {
  const entries: Record<string, Entry> = {};
  let offset = 0;
  variables.forEach(({ name, value }, i) => {
    const end = offset + values[i]!.byteLength;
    entries[name] = { dtype: 'F32', shape: value.shape, data_offsets: [offset, end] };
    offset = end;
  });
  const header: Header = { __metadata__: { sha256: unsealed, position: JSON.stringify(position) }, ...entries };
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8)); // the format requires 8-byte alignment
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const bytes = Buffer.concat([length, text, ...values.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength))]);
  bytes.write(seal(bytes), sealOffset, 'latin1');
  return bytes;
}

function decode(
  bytes: Buffer,
  variables: Variable[],
  problemWith: (position: Position) => string | undefined,
): Position {
  const { header, position, data } = unseal(bytes);
  const problem = problemWith(position) ?? problemOfLayout(header, data.length);
  if (problem) throw new Error(problem);
  const restored: Tensor[] = [];
  try {
    for (const variable of variables) restored.push(restore(variable, header[variable.name], data));
  } catch (error) {
    for (const value of restored) value.dispose();
    throw error;
  }
  variables.forEach((variable, i) => {
    variable.value.dispose();
    variable.value = restored[i]!;
  });
  return position;
}

/** The parts of a checkpoint; throws unless it is intact. */
function unseal(bytes: Buffer): { header: Header; position: Position; data: Buffer } {
  const headerEnd = bytes.length < sealOffset + 64 ? Number.POSITIVE_INFINITY : 8 + Number(bytes.readBigUInt64LE());
  if (headerEnd > bytes.length) throw new Error('is cut off');
  const stored = bytes.toString('latin1', sealOffset, sealOffset + 64);
  if (seal(bytes) !== stored) throw new Error('is damaged (its checksum does not match)');
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd)) as Header;
  const position = positionSchema.safeParse(JSON.parse(header.__metadata__.position));
  if (!position.success) throw new Error(`has no position: ${position.error.issues[0]!.message}`);
  return { header, position: position.data, data: bytes.subarray(headerEnd) };
}

/** The same check as in the format's own library: float32 tensors fill the data without gap or overlap. */
function problemOfLayout({ __metadata__, ...entries }: Header, length: number): string | undefined {
  let end = 0;
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(entries) as [string, Entry][]) {
    const size = 4 * shape.reduce((product, n) => product * n, 1);
    if (dtype !== 'F32') return `has "${name}" as ${dtype}, not F32`;
    if (data_offsets[0] !== end || data_offsets[1] !== end + size)
      return `has "${name}" in bytes ${data_offsets.join(' to ')}, not ${end} to ${end + size}`;
    end += size;
  }
  return end === length ? undefined : `has ${length} bytes of tensors, not ${end}`;
}

/** The value that a checkpoint has for the variable; throws if it has none of that shape. */
export function restore(
  { name, value }: Variable,
  entry: Entry | Header['__metadata__'] | undefined,
  data: Buffer,
): Tensor {
  if (!entry || !('data_offsets' in entry)) throw new Error(`has no tensor "${name}"`);
  const { shape, data_offsets } = entry;
  if (shape.join() !== value.shape.join()) throw new Error(`has "${name}" of shape [${shape}], not [${value.shape}]`);
  const bytes = new Uint8Array(data.subarray(...data_offsets)); // a copy, aligned
  const values = new Float32Array(bytes.buffer);
  if (!allFinite(values)) throw new Error(`has values in "${name}" that are not finite`);
  return tensor<Rank>(values, value.shape as ShapeMap[Rank]);
}

/** The checksum of a checkpoint, whatever is stored in its place. */
function seal(bytes: Buffer): string {
  const hash = createHash('sha256').update(bytes.subarray(0, sealOffset));
  return hash
    .update(unsealed)
    .update(bytes.subarray(sealOffset + 64))
    .digest('hex');
}

function allFinite(values: Float32Array): boolean {
  for (const value of values) if (value - value !== 0) return false; // NaN for NaN and infinities
  return true;
}

const count = z.int().min(0);
const clock = { images: count, trainSeconds: z.number().min(0), seconds: z.number().min(0) };
const score = z.object({ epoch: count, val_acc: z.number(), val_loss: z.number() }).nullable();
const positionSchema: z.ZodType<Position> = z.object({
  iteration: count,
  epoch: count,
  sums: z.object({ ...clock, loss: z.number(), correct: z.number() }),
  totals: z.object(clock),
  last: score,
  best: score,
  lossScale: z.object({ value: z.number().gt(0), goodSteps: count }).optional(),
});
