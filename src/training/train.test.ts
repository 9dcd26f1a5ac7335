import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { wasm } from '../backends/wasm/index.js';
import { configSchema } from '../config/schema.js';
import { datasets } from '../datasets/index.js';
import type { IterationRow } from '../runs/columns.js';
import { predictions } from './evaluate.js';
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
  it('predicts each validation image at the end as in the last validation', async () => {
    const run = await training();
    const position = startPosition();
    const hooks = { signal: new AbortController().signal, onIteration() {} };
    for await (const _ of train(run, position, hooks));
    const correct = await predictions(run.model, run.validationBatches(position.epoch - 1));
    expect(correct).toHaveLength(20);
    expect((100 * correct.reduce((sum, right) => sum + right, 0)) / 20).toBeCloseTo(position.last!.val_acc, 10);
  });

  it('gives the same numbers for the same seed, and different ones for another', async () => {
    const first = await rowsOf(await training());
    expect(await rowsOf(await training())).toEqual(first);
    expect(await rowsOf(await training({ seed: 2 }))).not.toEqual(first);
    expect(first.iterations.map((row) => row.epoch)).toEqual([1, 1, 1, 2, 2, 2]); // 16 + 16 + 8 of 40 images
    expect(first.epochs).toHaveLength(2);
  });

  it('passes the optimizer, at each update, the LR and momentum that it records: those of the schedule', async () => {
    const run = await training();
    const step = vi.spyOn(run.optimizer, 'step');
    const { iterations } = await rowsOf(run);
    const recorded = iterations.map(({ lr, momentum }) => ({ lr, momentum }));
    expect(step.mock.calls.map(([, given]) => given)).toEqual(recorded);
    expect(recorded).toEqual(iterations.map(({ iteration }) => run.schedule(iteration)));
    expect(new Set(recorded.map(({ momentum }) => momentum)).size).toBeGreaterThan(2);
  });

  it('lets the backend warm up before the first update', async () => {
    const run = await training();
    const step = vi.spyOn(run.optimizer, 'step');
    const warmUp = vi.fn(async () => expect(step).not.toHaveBeenCalled());
    await rowsOf({ ...run, warmUp });
    expect(warmUp).toHaveBeenCalledOnce();
    expect(step).toHaveBeenCalledTimes(6);
  });

  it('makes no further update when it is resumed after the last one', async () => {
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

  describe('with steps in flight', () => {
    /** Rows of a run that is interrupted after the given updates and resumed each time, and its state at the end. */
    async function rowsAndPosition(overrides: object, stepsInFlight: number, interruptions: number[]) {
      const run = { ...(await training(overrides)), stepsInFlight };
      const position = startPosition();
      const [iterations, epochs, settled]: [IterationRow[], object[], number[]] = [[], [], []];
      for (const after of [...interruptions, Number.POSITIVE_INFINITY]) {
        const controller = new AbortController();
        const rows = train(run, position, {
          signal: controller.signal,
          needsWeights: (iteration) => iteration % 4 === 0,
          onIteration(row, isSettled) {
            iterations.push(row);
            if (isSettled) settled.push(position.iteration);
            if (iterations.length === after) controller.abort();
          },
        });
        for await (const { seconds, images_per_second, ...row } of rows) epochs.push(row);
      }
      const { sums, totals, ...rest } = position;
      const { trainSeconds, seconds, ...counted } = sums;
      return { rows: { iterations, epochs, counted, images: totals.images, ...rest }, settled };
    }

    it.each<[string, object, number[]]>([
      ['a whole run', {}, []],
      ['max_iterations within an epoch', { max_iterations: 8 }, []],
      ['max_iterations at the end of an epoch', { max_iterations: 10 }, []],
      ['an interruption within an epoch', {}, [7]],
      ['one that leaves updates in flight to be finished', {}, [1]],
      ['one between the last update and its validation', {}, [10]],
      ['several, and max_iterations', { max_iterations: 13 }, [2, 9]],
    ])('%s gives the same rows as without', async (_, overrides, interruptions) => {
      const config = { batch_size: 4, epochs: 2, ...overrides }; // 10 updates per epoch
      const { rows, settled } = await rowsAndPosition(config, 0, interruptions);
      expect(settled).toHaveLength(rows.iterations.length);
      const pipelined = await rowsAndPosition(config, 4, interruptions);
      expect(pipelined.rows).toEqual(rows);
      const last = rows.iterations.length;
      expect(rows.iterations.map(({ iteration }) => iteration)).toEqual(Array.from({ length: last }, (_, i) => i));
      const needed = Array.from({ length: last >> 2 }, (_, i) => 4 * (i + 1));
      expect(pipelined.settled).toEqual(expect.arrayContaining([...needed, last]));
      expect(pipelined.settled.length).toBeLessThan(last); // some were begun before the previous loss was known
    });
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

  it.each(['reflect', 'symmetric'])('refuses to mirror images into as many pixels as they have: %s', async (mode) => {
    const dataset = await datasets.create(config.dataset, { cacheDirectory: '/nowhere', seed: 1, report() {} });
    const mirrored = configSchema.parse({ ...config, augmentation: { crop: { pad: 8, mode } } });
    expect(() => prepareTraining(mirrored, { ...dataset, imageShape: [8, 8, 3] })).toThrow(
      'images of 8 x 8 cannot be mirrored into 8 pixels',
    );
  });

  it.each(['adam', 'adamw'])('refuses a beta1 that reaches 1, unless it is not cycled: %s', async (type) => {
    const schedule = { type: 'clr', max_lr: 1, momentum: 'anti-cyclic', max_momentum: 1, min_momentum: 0.9 };
    await expect(training({ optimizer: { type }, schedule })).rejects.toThrow(/its beta1, is 1 at iteration \d/);
    await training({ optimizer: { type, cycle_beta1: false }, schedule });
  });

  it('leaves the last partial batch out when asked to', async () => {
    const { iterations } = await rowsOf(await training({ drop_last: true }));
    expect(iterations.map((row) => row.epoch)).toEqual([1, 1, 2, 2]);
  });

  it('runs from pass to pass in the order fixed-cyclic, and validates after the batch that ends a pass', async () => {
    const run = await training({ order: 'fixed-cyclic' }); // 2.5 batches of 16 in 40 images
    const { iterations, epochs } = await rowsOf(run);
    expect(iterations.map((row) => row.epoch)).toEqual([1, 1, 1, 2, 2]);
    expect(epochs).toMatchObject([{ iteration: 3 }, { iteration: 5 }]);
    const batches = (epoch: number, first: number) =>
      [...run.trainingBatches(epoch, first)].map(({ x }) => x.dataSync());
    expect(batches(0, 0).map((x) => x.length)).toEqual(new Array(3).fill(16 * 32 * 32 * 3));
    expect(batches(1, 1)).toEqual(batches(1, 0).slice(1));
  });

  it('smooths the labels of the training loss, not of the validation loss', async () => {
    const still = { schedule: { type: 'constant', lr: 1e-9 } }; // weights practically fixed
    const plain = await rowsOf(await training(still));
    const smoothed = await rowsOf(await training({ ...still, label_smoothing: 0.2 }));
    expect(Math.abs(smoothed.iterations[0]!.loss - plain.iterations[0]!.loss)).toBeGreaterThan(1e-3);
    const valLoss = ({ epochs }: typeof plain) => (epochs[0] as { val_loss: number }).val_loss;
    expect(valLoss(smoothed)).toBeCloseTo(valLoss(plain), 5);
  });

  it('keeps the number of tensors constant over 200 steps', async () => {
    const run = await training({ batch_size: 2, optimizer: { type: 'sgd', clip_norm: 1 } });
    const counts = new Set<number>();
    for (let step = 0; step < 200; step++) {
      const [batch] = run.trainingBatches(step, 0);
      trainStep(run, batch!, { lr: 0.01, momentum: 0.9 }).dispose();
      if (step >= 2) counts.add(memory().numTensors);
    }
    expect([...counts]).toHaveLength(1);
  }, 120_000);
});
