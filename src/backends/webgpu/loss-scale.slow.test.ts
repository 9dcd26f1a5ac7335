import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { datasets } from '../../datasets/index.js';
import { overflow } from '../../diagnostics/kernel-check.js';
import { run } from '../../ops/kernel.js';
import type { IterationRow } from '../../runs/columns.js';
import { small } from '../../testing/first-losses.js';
import { startPosition } from '../../training/position.js';
import { prepareTraining } from '../../training/prepare.js';
import { type Training, train } from '../../training/train.js';
import type { LossScale, LossScaleState } from '../backend.js';
import { probeBackends, useBackend } from '../index.js';
import { firstLossScale } from './loss-scale.js';

const { availability } = (await probeBackends()).find(({ name }) => name === 'webgpu')!;
const device = availability.usable ? availability.onlyAs : undefined;
if (!availability.usable) console.log(`webgpu is not tested: ${availability.reason}`);

const config = configSchema.parse({
  epochs: 1,
  batch_size: 16,
  dataset: { type: 'synthetic', train_size: 800, val_size: 10 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'constant', lr: 0.02 },
});

describe.skipIf(!availability.usable)('the loss scale of float16 on webgpu', () => {
  let lossScale: LossScale;
  let stepsInFlight: number | undefined;
  const activate = async () => {
    const active = await useBackend('webgpu', { precision: 'f16', device });
    [lossScale, stepsInFlight] = [active.lossScale!, active.stepsInFlight];
  };
  beforeAll(activate, 60_000);

  const training = async (): Promise<Training> => {
    const dataset = await datasets.create(config.dataset, { cacheDirectory: '/nowhere', seed: 1, report() {} });
    return { ...prepareTraining(config, small(dataset)), stepsInFlight, lossScale };
  };
  /** The rows of a run that starts with the loss scale `state`, and its loss scale afterwards. */
  const rowsFrom = async (state: LossScaleState, stopAfter: number, given?: Training) => {
    const position = { ...startPosition(), lossScale: state };
    const rows: IterationRow[] = [];
    const hooks = { onIteration: (row: IterationRow) => void rows.push(row), signal: new AbortController().signal };
    for await (const _ of train({ ...(given ?? (await training())), stopAfter }, position, hooks));
    return { rows, after: position.lossScale };
  };

  test('notices an overflow, which becomes infinite', async () => {
    expect(await overflow()).toMatchObject({
      ok: true,
      detail: '65504 + 65504 is Infinity in float16, its negative -Infinity',
    });
    await useBackend('cpu', { precision: 'f32' }); // like a device whose float16 does not overflow
    expect(await overflow()).toMatchObject({ ok: false });
    await activate();
  });

  test('recovers from a forced overflow: updates are skipped while it halves, then the loss falls', async () => {
    const { rows, after } = await rowsFrom({ value: 2 ** 24, goodSteps: 7 }, 50);
    const scales = rows.map((row) => row.loss_scale!);
    const skipped = scales.filter((scale, k) => scale > (scales[k + 1] ?? after!.value)).length;
    expect(rows).toHaveLength(50);
    expect(scales.slice(0, 2)).toEqual([2 ** 24, 2 ** 23]);
    expect(skipped).toBeGreaterThan(2);
    expect(skipped).toBeLessThan(15);
    expect(after).toEqual({ value: 2 ** (24 - skipped), goodSteps: 50 - skipped });
    const mean = (some: IterationRow[]) => some.reduce((sum, { loss }) => sum + loss, 0) / some.length;
    console.log(`${skipped} updates skipped; loss ${mean(rows.slice(0, 5))} at first, ${mean(rows.slice(-5))} at last`);
    expect(mean(rows.slice(-5))).toBeLessThan(0.8 * mean(rows.slice(0, 5)));
  }, 300_000);

  test('starts at 32768 and does not change the first losses', async () => {
    await activate();
    const { rows } = await rowsFrom(await lossScale.read(), 5);
    expect(rows.map((row) => row.loss_scale)).toEqual(new Array(5).fill(firstLossScale));
    const other = await rowsFrom({ value: 256, goodSteps: 0 }, 5);
    for (const [k, { loss }] of other.rows.entries()) expect(loss / rows[k]!.loss).toBeCloseTo(1, 2);
  }, 300_000);

  test('does not hide a NaN in the weights: the run ends as diverged', async () => {
    const damaged = await training();
    const [first] = damaged.model.parameters;
    const values = Float32Array.from(await first!.value.data());
    values[0] = Number.NaN;
    first!.value.dispose();
    first!.value = tensor(values, first!.value.shape as [number]) as Tensor;
    await expect(rowsFrom({ value: 1024, goodSteps: 0 }, 50, damaged)).rejects.toMatchObject({ kind: 'diverged' });
  }, 300_000);

  describe.each(['SgdUpdate', 'AdamUpdate'])('%s', (kernel) => {
    /** The parameter, the optimizer's state and the loss scale after an update with that gradient. */
    const updated = async (gradient: number, state: LossScaleState) => {
      lossScale.write(state);
      const inputs = [1, gradient, 0, ...(kernel === 'AdamUpdate' ? [0] : [])].map((v) => tensor([2, v]));
      if (kernel === 'AdamUpdate') inputs.push(tensor(0));
      const rates = { lr: [0.1], momentum: [0.9], beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: [0] };
      const mode = { weightDecayMode: 'l2', lrPlacement: 'outside', nesterov: false };
      const outputs = run(kernel, inputs, { ...rates, ...mode });
      const values = await Promise.all(outputs.map(async (t) => [...(await t.data())]));
      for (const t of [...inputs, ...outputs]) t.dispose();
      return { values, lossScale: await lossScale.read() };
    };

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      'is skipped and halves it where a gradient is %d',
      async (gradient) => {
        const { values, lossScale } = await updated(gradient, { value: 8, goodSteps: 3 });
        expect(values[0]).toEqual([2, 1]);
        expect(values[1]).toEqual([2, 0]);
        if (kernel === 'AdamUpdate') expect(values.at(-1)).toEqual([0]);
        expect(lossScale).toEqual({ value: 4, goodSteps: 0 });
      },
    );

    test('lets NaN through at 1, where it cannot be the cause', async () => {
      const { values, lossScale } = await updated(Number.NaN, { value: 1, goodSteps: 3 });
      expect(values[0]![1]).toBeNaN();
      expect(lossScale).toEqual({ value: 1, goodSteps: 0 });
    });

    test('doubles it after 2,000 good steps, up to 2^24', async () => {
      const { values, lossScale } = await updated(0.5, { value: 8, goodSteps: 1998 });
      expect(values[0]![1]).toBeLessThan(1);
      expect(lossScale).toEqual({ value: 8, goodSteps: 1999 });
      expect((await updated(0.5, { value: 8, goodSteps: 1999 })).lossScale).toEqual({ value: 16, goodSteps: 0 });
      expect((await updated(0, { value: 2 ** 24, goodSteps: 1999 })).lossScale.value).toBe(2 ** 24);
    });
  });
});
