import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { iterationColumns, metricsColumns } from '../runs/columns.js';

/** Complete rows of a CSV file; 0 if there is no file. */
export function countRows(file: string): number {
  if (!existsSync(file)) return 0;
  return Math.max(0, readFileSync(file, 'utf8').split('\n').length - 2);
}

/** What must be the same in two runs: the tables without times, and the tensors of the last checkpoint. */
export function fingerprint(run: string) {
  const metrics = readFileSync(path.join(run, 'metrics.csv'), 'utf8');
  return {
    metrics: metrics.replaceAll(/,[^,]+,[^,]+$/gm, ''), // the last two columns are seconds and images_per_second
    iterations: readFileSync(path.join(run, 'iterations.csv'), 'utf8'),
    tensors: readSafetensors(path.join(run, 'checkpoints/last.safetensors')).tensors,
  };
}

export function readSummary(run: string): { status: string; message?: string; iterations: number; seconds: number } {
  return JSON.parse(readFileSync(path.join(run, 'summary.json'), 'utf8'));
}

/** Every file below `directory`, sorted, relative to it. */
export function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name))).sort();
}

/** Keys of a run's config, its accuracy (undefined: it diverged), its status. */
export type WhatRan = [config: object, accuracy: number | undefined, status?: string];

/** Writes the files of a run of two epochs, eight iterations, as `clr run` leaves them. */
export function writeRunFolder(directory: string, ...[config, accuracy, status = 'completed']: WhatRan): void {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, content: unknown) =>
    writeFileSync(path.join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
  const final = accuracy === undefined ? null : { epoch: 2, val_acc: accuracy, val_loss: 1 - accuracy / 200 };
  write('config.json', { seed: 1, epochs: 2, schedule: { type: 'constant', lr: 0.1 }, ...config });
  write('environment.json', someEnvironment);
  write('summary.json', { status, iterations: 8, epochs: 2, final, best: final, seconds: 61, images_per_second: 100 });
  const epochs = [1, 2].map((epoch) => [epoch, 4 * epoch, 0.1, 0.9, 1, 50, 1, (accuracy ?? 10) - 2 + epoch, 1, 100]);
  write('metrics.csv', `${[Object.keys(metricsColumns), ...epochs].join('\n')}\n`);
  const iterations = Array.from({ length: 8 }, (_, i) => [i, 1 + (i >> 2), 0.1, 0.9, 2 - i / 8]);
  write('iterations.csv', `${[Object.keys(iterationColumns), ...iterations].join('\n')}\n`);
}

/** The environment.json of `writeRunFolder`. */
export const someEnvironment = {
  ...{ backend: 'wasm', device: 'a processor', precision: 'f32', threads: 1, node: 'v20.19.0', clr: '0.1.0' },
  packages: { zod: '4.0.0', sharp: null },
  git: { commit: '0123456789abcdef', dirty: false },
};

interface Tensors {
  metadata: Record<string, string>;
  /** Name -> dtype, shape, hexadecimal bytes. */
  tensors: Record<string, [string, number[], string]>;
}

/** Bytes of a value. */
const sizes: Record<string, number> = { F32: 4, I64: 8 };

/**
 * An independent reader of safetensors files, which checks what the format's own library checks: the header's length
 * and first character, string metadata, and tensors that fill the rest without gap or overlap.
 */
export function readSafetensors(file: string): Tensors {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  if (length > 100_000_000 || bytes[8] !== 0x7b) throw new Error(`${file}: no safetensors header`);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as { __metadata__: Record<string, string> };
  const { __metadata__: metadata, ...entries } = header;
  if (!Object.values(metadata).every((value) => typeof value === 'string'))
    throw new Error(`${file}: metadata that is no text`);
  const tensors: Tensors['tensors'] = {};
  let end = 0;
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(entries) as unknown as [
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] },
  ][]) {
    const size = (sizes[dtype] ?? 0) * shape.reduce((product, n) => product * n, 1);
    if (size === 0 || data_offsets[0] !== end || data_offsets[1] - end !== size)
      throw new Error(`${file}: tensor ${name} does not follow the one before it`);
    end = data_offsets[1];
    tensors[name] = [dtype, shape, bytes.toString('hex', 8 + length + data_offsets[0], 8 + length + end)];
  }
  if (8 + length + end !== bytes.length) throw new Error(`${file}: more bytes than tensors`);
  return { metadata, tensors };
}
