import { ClrError } from '../../errors.js';

/**
 * The full name, for dawn, of the adapter that `device` asks for by a part of its name, in any case and with any
 * punctuation ("nvidia-h100" is "NVIDIA H100"), or as `webgpu:1`, the second of `names`. Throws ClrError('backend') if
 * there is none, or if dawn, which takes the first adapter of a name, cannot reach it.
 */
export function chooseAdapter(names: readonly string[], device: string): string {
  const index = indexOf(names, device);
  const name = names[index];
  if (name === undefined) {
    const list = names.map((known, i) => `webgpu:${i} ${known}`).join(', ') || 'none';
    throw new ClrError('backend', `WebGPU finds no device named "${device}"; found: ${list}`, 'choose one of these');
  }
  // dawn takes the first adapter whose name contains the one given
  const reached = names.findIndex((other) => other.includes(name));
  if (reached === index) return name;
  throw new ClrError(
    'backend',
    `dawn cannot tell ${name} (webgpu:${index}) from ${names[reached]} (webgpu:${reached})`,
    'hide the other one from the driver, e.g. start the container or the job with one card',
  );
}

function indexOf(names: readonly string[], device: string): number {
  const number = device.match(/^webgpu:(\d+)$/)?.[1];
  if (number !== undefined) return Number(number);
  const exact = names.indexOf(device);
  return exact >= 0 ? exact : names.findIndex((name) => words(name).includes(words(device)));
}

/** Gives the same for "NVIDIA H100 80GB" and "nvidia-h100-80gb-". */
const words = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
