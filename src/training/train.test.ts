import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { wasm } from '../backends/wasm/index.js';
import { configSchema } from '../config/schema.js';
import { datasets } from '../datasets/index.js';
import type { IterationRow } from '../runs/columns.js';
import { startPosition } from './position.js';
import { prepareTraining } from './prepare.js';
import { type Training, train, trainStep } from './train.js';

const config = configSchema.parse({
  epochs: 2,
  batch_size: 16,
  dataset: { type: 'synthetic', train_size: 40, val_size: 20 },
  augmentation: { flip: true, crop: { pad: 4 } },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.2 },
});

async function training(overrides: object = {}): Promise<Training> {
  const dataset = await datasets.create(config.dataset, { cacheDirectory: '/nowhere', seed: 1, report() {} });
  return prepareTraining(configSchema.parse({ ...config, ...overrides }), dataset);
}

/** All rows of a run, without times. */
async function rowsOf(run: Training, signal = new AbortController().signal) {
  const iterations: IterationRow[] = [];
  const epochs: object[] = [];
  const rows = train(run, startPosition(), { signal, onIteration: (row) => void iterations.push(row) });
  for await (const { seconds, images_per_second, ...row } of rows) epochs.push(row);
  return { iterations, epochs };
}

beforeAll(() => wasm.activate({ precision: 'f32' }));

describe('training', () => {
  it('gives the same numbers again for the same seed, and others for another', async () => {
    const first = await rowsOf(await training());
    expect(await rowsOf(await training())).toEqual(first);
    expect(await rowsOf(await training({ seed: 2 }))).not.toEqual(first);
    expect(first.iterations.map((row) => row.epoch)).toEqual([1, 1, 1, 2, 2, 2]); // 16 + 16 + 8 of 40 images
    expect(first.epochs).toHaveLength(2);
  });

  it('gives the optimizer at each update the LR and momentum that it records, which are those of the schedule', async () => {
    const run = await training();
    const step = vi.spyOn(run.optimizer, 'step');
    const { iterations } = await rowsOf(run);
    const recorded = iterations.map(({ lr, momentum }) => ({ lr, momentum }));
    expect(step.mock.calls.map(([, given]) => given)).toEqual(recorded);
    expect(recorded).toEqual(iterations.map(({ iteration }) => run.schedule(iteration)));
    expect(new Set(recorded.map(({ momentum }) => momentum)).size).toBeGreaterThan(2);
  });

  it('makes no further update when it goes on after the last one', async () => {
    const run = await training({ max_iterations: 4 }); // of 6: the second epoch is cut short
    const position = startPosition();
    const controller = new AbortController();
    const stopBeforeValidation = {
      signal: controller.signal,
      onIteration: ({ iteration }: IterationRow) => void (iteration === 3 && controller.abort()),
    };
    for await (const _ of train(run, position, stopBeforeValidation));
    expect(position).toMatchObject({ iteration: 4, epoch: 1 });
    const rows = train(run, position, {
      signal: new AbortController().signal,
      onIteration: () => expect.unreachable(),
    });
    for await (const row of rows) expect(row).toMatchObject({ epoch: 2, iteration: 4 });
    expect(position.epoch).toBe(2);
  });

  it('stops at a loss that is not a number, and names iteration, LR and momentum', async () => {
    const run = await training({ schedule: { type: 'constant', lr: 1e30, momentum: 0.5 } });
    await expect(rowsOf(run)).rejects.toThrow(
      /diverged: loss NaN at iteration \d+ \(epoch \d\), LR 1e\+30, momentum 0.5/,
    );
  });

  it('stops at a loss above max_loss', async () => {
    await expect(rowsOf(await training({ max_loss: 0.1 }))).rejects.toThrow(/above max_loss 0.1/);
  });

  it('leaves the last partial batch out when asked to', async () => {
    const { iterations } = await rowsOf(await training({ drop_last: true }));
    expect(iterations.map((row) => row.epoch)).toEqual([1, 1, 2, 2]);
  });

  it('keeps the number of tensors over 200 steps', async () => {
    const run = await training({ batch_size: 2 });
    const counts = new Set<number>();
    for (let step = 0; step < 200; step++) {
      const [batch] = run.trainingBatches(step, 0);
      trainStep(run.model, run.optimizer, batch!, { lr: 0.01, momentum: 0.9 }).dispose();
      if (step >= 2) counts.add(memory().numTensors);
    }
    expect([...counts]).toHaveLength(1);
  }, 120_000);
});
