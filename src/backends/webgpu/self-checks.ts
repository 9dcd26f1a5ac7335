import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { getKernel } from '@tensorflow/tfjs-core';
import { shipped } from '../../system/root.js';
import { version } from '../../system/version.js';
import type { WebgpuBackend } from './backend.js';

/** Difference allowed between a kernel's float16 and float32 output, as a share of the largest value. */
const tolerance = 2e-2;

/** The first kernel whose float16 output disagrees with float32 on the same device; undefined: none does. */
export async function wrongInHalf(backend: WebgpuBackend): Promise<string | undefined> {
  const { compute, kernelCases, relativeError } = await import('../kernel-cases.js');
  const firstOf = (kernel: string) => kernelCases.findIndex((one) => one[1] === kernel);
  const first = kernelCases.filter(([, kernel], i) => firstOf(kernel) === i && getKernel(kernel, 'webgpu'));
  const computeIn = async (format: 'f32' | 'f16', i: number) => {
    backend.activationFormat = format;
    return compute(first[i]!);
  };
  await backend.warmUp(async () => {
    for (const i of first.keys()) for (const format of ['f32', 'f16'] as const) await computeIn(format, i);
  });
  try {
    for (const [i, [, kernel]] of first.entries()) {
      const expected = await computeIn('f32', i);
      const errors = (await computeIn('f16', i)).map(({ values }, k) => relativeError(values, expected[k]!.values));
      if (!errors.every((error) => error <= tolerance)) return kernel; // NaN is wrong too
    }
    return undefined;
  } finally {
    backend.activationFormat = 'f32';
  }
}

/** Verdicts by device, driver and version of clr: an empty string if the matrix units work, else what is wrong. */
type Verdicts = Record<string, string>;

interface ProbeOptions {
  /** The command that exits with 0 if all kernels agree on this device with its matrix units. */
  command?: string[];
  /** Where verdicts are stored. */
  file?: string;
}

/**
 * Why a device's matrix units are not used; undefined: they are. A driver may crash on such shaders (NVIDIA's 595
 * does), so all kernels are checked in a separate process, once per driver. CLR_WEBGPU_MATRIX=on or off overrides it.
 */
export async function matrixUnitsProblem(
  name: string,
  { command = kernelCheck(name), file = cacheFile() }: ProbeOptions = {},
): Promise<string | undefined> {
  const decided = process.env.CLR_WEBGPU_MATRIX;
  if (decided) return decided === 'on' ? undefined : 'CLR_WEBGPU_MATRIX=off';
  const key = `${name}, clr ${version()}`;
  const known = readVerdicts(file);
  const verdict = known[key] ?? (await check(command));
  if (known[key] === undefined) writeVerdicts(file, { ...known, [key]: verdict });
  return verdict || undefined;
}

const kernelCheck = (name: string) => {
  const flags = ['doctor', '--kernels', 'webgpu', '--precision', 'f16', '--device', name.replace(/ \(.*/, '')];
  return [process.execPath, shipped('bin/clr.js'), ...flags];
};

function check([program, ...flags]: string[]): Promise<string> {
  const options = { env: { ...process.env, CLR_WEBGPU_MATRIX: 'on' }, timeout: 300_000 };
  return new Promise((resolve) => {
    execFile(program!, flags, options, (error, stdout) => {
      if (!error) resolve('');
      else if (error.killed) resolve('their check took over 5 minutes');
      else if (error.signal) resolve(`their check was ended by ${error.signal}`);
      else resolve(`their check failed: ${stdout.match(/^wrong +(\S+)/m)?.[1] ?? `exit code ${error.code}`}`);
    });
  });
}

function cacheFile(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'clr/webgpu-matrix-units.json');
}

function readVerdicts(file: string): Verdicts {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {}; // none yet, or damaged: checked again
  }
}

function writeVerdicts(file: string, verdicts: Verdicts): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(verdicts));
  } catch {
    // no cache: checked again next time
  }
}
