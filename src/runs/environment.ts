import os from 'node:os';
import type { ActiveBackend } from '../backends/backend.js';
import type { Dataset } from '../datasets/dataset.js';
import { gitState, packageVersion, version } from '../system/version.js';

const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'vega', 'vega-lite', 'sharp', 'zod'];

/** See `describeEnvironment`. */
export type Environment = ReturnType<typeof describeEnvironment>;

/** environment.json: hardware, software and images of a run; with config.json it tells whether it can be repeated. */
export function describeEnvironment(backend: ActiveBackend, { sha256, imageShape, classNames, ...splits }: Dataset) {
  return {
    started: new Date().toISOString(),
    backend: backend.name,
    device: backend.device,
    ...(backend.limits && { limits: backend.limits }),
    ...(backend.shortfall && { shortfall: backend.shortfall }),
    precision: backend.precision,
    threads: backend.threads,
    host: os.hostname(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    clr: version(),
    packages: Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
    git: gitState(),
    images: {
      sha256,
      shape: imageShape,
      classes: classNames.length,
      train: splits.train.labels.length,
      validation: splits.validation.labels.length,
    },
  };
}
