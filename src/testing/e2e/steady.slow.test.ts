import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, expect, it, vi } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { runExperiment } from '../../experiment.js';
import { median } from '../../statistics/median.js';
import { filesBelow } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-steady-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const config = configSchema.parse({
  epochs: 100,
  batch_size: 2,
  dataset: { type: 'synthetic', train_size: 40, val_size: 10 },
  augmentation: { flip: true, crop: { pad: 4 } },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.05 },
  backend: 'wasm',
  checkpoint: { every_iterations: 10 },
});

const gc = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

/** Taken after a garbage collection. */
interface Sample {
  tensors: number;
  /** Resident, MiB: what JavaScript, WebAssembly and native code hold, and what the allocators keep. */
  resident: number;
  /** Used by V8's heap and by the buffers that its objects hold, MiB. */
  live: number;
  /** Open in this process. */
  descriptors: number;
  /** In the run folder. */
  files: number;
}

function sample(run: string): Sample {
  gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    tensors: memory().numTensors,
    resident: rss / 2 ** 20,
    live: (heapUsed + external) / 2 ** 20,
    descriptors: readdirSync('/proc/self/fd').length,
    files: filesBelow(run).length,
  };
}

/** Per sample: the median of the slopes between all pairs (Theil 1950, Sen 1968), which single jumps do not affect. */
const trend = (values: number[]) =>
  median(values.flatMap((value, i) => values.slice(0, i).map((earlier, j) => (value - earlier) / (i - j))));

it('2,000 iterations keep the number of tensors, the memory, the open files and the temporary files', async () => {
  const samples: Sample[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    if (String(text).startsWith('epoch')) samples.push(sample(path.join(scratch, '1')));
    return true;
  });
  const options = { cacheDirectory: '/nowhere', runs: scratch, signal: new AbortController().signal };
  const { summary } = await runExperiment(config, options);
  vi.restoreAllMocks();
  expect(summary).toMatchObject({ status: 'completed', iterations: 2000 });
  expect(samples).toHaveLength(100);

  const warm = samples.slice(20);
  const line = (s: Sample) =>
    `${s.tensors} tensors, ${s.resident.toFixed(1)} MiB, ${s.live.toFixed(2)} of them live, ${s.descriptors} open, ${s.files} files`;
  console.log(`epoch 1: ${line(samples[0]!)}\nepoch 21: ${line(samples[20]!)}\nepoch 100: ${line(samples[99]!)}`);
  const growth = (key: 'resident' | 'live') => (trend(warm.map((s) => s[key])) / 20) * 1024; // KiB per iteration
  console.log(`${growth('resident').toFixed(2)} KiB more an iteration, ${growth('live').toFixed(3)} of them live`);
  expect(growth('resident')).toBeLessThan(4);
  expect(growth('live')).toBeLessThan(0.5);
  for (const key of ['tensors', 'descriptors', 'files'] as const)
    expect(new Set(warm.map((s) => s[key])).size, key).toBe(1);
});
