import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { type Rank, type ShapeMap, tensor } from '@tensorflow/tfjs-core';
import writeFileAtomic from 'write-file-atomic';
import { ClrError } from '../errors.js';
import type { Variable } from '../models/index.js';
import type { Position } from '../train.js';

/**
 * A checkpoint is one safetensors file (https://github.com/huggingface/safetensors): 8 bytes with the header's length, the
 * header as JSON, the tensors' float32 values. Its `__metadata__` holds the position as JSON and the values' SHA-256.
 */
const names = { last: 'last.safetensors', previous: 'previous.safetensors', best: 'best.safetensors' };

interface Header {
  __metadata__: { position: string; sha256: string };
  [tensor: string]:
    | { dtype: 'F32'; shape: number[]; data_offsets: [number, number] }
    | { position: string; sha256: string };
}

/** Writes checkpoints/last (the one before stays as `previous`) and, if this is the best epoch so far, checkpoints/best. */
export async function saveCheckpoint(directory: string, variables: Variable[], position: Position): Promise<void> {
  const folder = path.join(directory, 'checkpoints');
  mkdirSync(folder, { recursive: true });
  const bytes = await encode(variables, position);
  const last = path.join(folder, names.last);
  if (existsSync(last)) renameSync(last, path.join(folder, names.previous));
  writeFileAtomic.sync(last, bytes); // temporary file, fsync, rename
  if (position.best?.epoch === position.epoch && position.sums.images === 0)
    writeFileAtomic.sync(path.join(folder, names.best), bytes);
}

/**
 * Puts the values of the newest whole checkpoint into `variables`; returns its position. Falls back to the one before it
 * when the last is missing or damaged, and says so through `report`.
 */
export function loadCheckpoint(directory: string, variables: Variable[], report: (message: string) => void): Position {
  const problems: string[] = [];
  for (const name of [names.last, names.previous]) {
    const file = path.join(directory, 'checkpoints', name);
    try {
      const position = decode(readFileSync(file), variables);
      if (problems.length > 0) report(`${problems.join('; ')}; going on from ${name}`);
      return position;
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new ClrError('failed', `no usable checkpoint in ${directory}: ${problems.join('; ')}`, 'start the run anew');
}

async function encode(variables: Variable[], position: Position): Promise<Buffer> {
  const tensors: Partial<Header> = {};
  const chunks: Buffer[] = [];
  let offset = 0;
  for (const { name, value } of variables) {
    const values = (await value.data()) as Float32Array;
    const chunk = Buffer.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)); // a copy
    tensors[name] = { dtype: 'F32', shape: value.shape, data_offsets: [offset, offset + chunk.length] };
    offset += chunk.length;
    chunks.push(chunk);
  }
  const data = Buffer.concat(chunks);
  const metadata = { position: JSON.stringify(position), sha256: sha256(data) };
  const json = JSON.stringify({ __metadata__: metadata, ...tensors });
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8)); // the format wants the data 8-byte aligned
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

function decode(bytes: Buffer, variables: Variable[]): Position {
  const headerLength = bytes.length < 8 ? Number.POSITIVE_INFINITY : Number(bytes.readBigUInt64LE());
  if (8 + headerLength > bytes.length) throw new Error('truncated');
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Header;
  const data = bytes.subarray(8 + headerLength);
  if (sha256(data) !== header.__metadata__.sha256) throw new Error('damaged (its checksum does not match)');
  const restored = variables.map(({ name, value }) => {
    const entry = header[name];
    if (!entry || !('data_offsets' in entry)) throw new Error(`has no tensor "${name}"`);
    if (entry.shape.join() !== value.shape.join())
      throw new Error(`"${name}" has shape [${entry.shape}], not [${value.shape}]`);
    const values = new Float32Array(new Uint8Array(data.subarray(...entry.data_offsets)).buffer); // a copy, aligned
    return tensor<Rank>(values, value.shape as ShapeMap[Rank]);
  });
  variables.forEach((variable, i) => {
    variable.value.dispose();
    variable.value = restored[i]!;
  });
  return JSON.parse(header.__metadata__.position) as Position;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
