import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Libraries that the GPU build of TensorFlow 2.15 to 2.21 opens when it looks for a GPU, besides the driver. */
const libraries = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcusolver.so.11',
  'libcusparse.so.12',
  'libcudnn.so.9',
];

/** Which of CUDA's libraries a TensorFlow in `folder` finds, and which it does not. */
export function findCuda(folder: string): { found: string[]; missing: string[]; driver: boolean } {
  const places = searchPath(folder);
  const known = knownToLinker();
  const has = (name: string) =>
    known.includes(`${name} `) || places.some((place) => existsSync(path.join(place, name)));
  return { found: libraries.filter(has), missing: libraries.filter((name) => !has(name)), driver: has('libcuda.so.1') };
}

/** The wheel's own run path (../nvidia/<part>/lib), and LD_LIBRARY_PATH. */
function searchPath(folder: string): string[] {
  const nvidia = path.join(folder, '../nvidia');
  const parts = existsSync(nvidia) ? readdirSync(nvidia).map((part) => path.join(nvidia, part, 'lib')) : [];
  return [...parts, ...(process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean)];
}

function knownToLinker(): string {
  return spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout ?? '';
}

/** In one line, why TensorFlow computes on the processor; `kind` is what the set-up was asked for. */
export function whyNoGpu(kind: string, folder: string): string {
  if (kind === 'cpu') return 'TensorFlow without CUDA; `npm run setup:tensorflow -- --gpu` adds it';
  const { missing, driver } = findCuda(folder);
  if (!driver) return 'no GPU: no NVIDIA driver was found (libcuda.so.1)';
  if (missing.length > 0) return `no GPU: CUDA 12 or cuDNN 9 lacks ${missing.join(', ')}`;
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  return `no GPU: CUDA finds no device${visible === undefined ? '' : ` (CUDA_VISIBLE_DEVICES=${visible})`}`;
}
