import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, expect, it, vi } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { runExperiment } from '../../experiment.js';
import { median } from '../../statistics/statistics.js';
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

interface Sample {
  tensors: number;
  /** Resident, MiB. */
  memory: number;
  /** Open, of this process. */
  descriptors: number;
  /** In the run folder. */
  files: number;
}

function sample(run: string): Sample {
  return {
    tensors: memory().numTensors,
    memory: process.memoryUsage.rss() / 2 ** 20,
    descriptors: readdirSync('/proc/self/fd').length,
    files: filesBelow(run).length,
  };
}

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
  const [early, late] = [warm.slice(0, 20), warm.slice(-20)].map((part) => median(part.map((s) => s.memory))) as [
    number,
    number,
  ];
  const line = (s: Sample) =>
    `${s.tensors} tensors, ${s.memory.toFixed(0)} MiB, ${s.descriptors} open, ${s.files} files`;
  console.log(`epoch 1: ${line(samples[0]!)}\nepoch 21: ${line(samples[20]!)}\nepoch 100: ${line(samples[99]!)}`);
  expect(late! - early!, 'MiB more from iteration 600 to 1800').toBeLessThan(16);
  for (const key of ['tensors', 'descriptors', 'files'] as const)
    expect(new Set(warm.map((s) => s[key])).size, key).toBe(1);
});
