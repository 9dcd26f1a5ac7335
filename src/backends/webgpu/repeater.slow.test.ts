import { tensor } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { datasets } from '../../datasets/index.js';
import type { IterationRow } from '../../runs/columns.js';
import { small } from '../../testing/first-losses.js';
import { type Position, startPosition } from '../../training/position.js';
import { prepareTraining, variablesOf } from '../../training/prepare.js';
import { type Training, train } from '../../training/train.js';
import type { ActiveBackend } from '../backend.js';
import { probeBackends, useBackend } from '../index.js';

const { availability } = (await probeBackends()).find(({ name }) => name === 'webgpu')!;
const device = availability.usable ? availability.onlyAs : undefined;
if (!availability.usable) console.log(`webgpu is not tested: ${availability.reason}`);

const config = configSchema.parse({
  epochs: 3,
  batch_size: 16,
  dataset: { type: 'synthetic', train_size: 72, val_size: 20 }, // the last batch of an epoch has 8 images
  augmentation: { flip: true, crop: { pad: 1 } },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.1 },
});
const steps = 15;

/** `worked`: how many of the steps ran kernel by kernel instead of being replayed. */
async function prepared(active: Partial<ActiveBackend>, overrides: object) {
  const dataset = await datasets.create(config.dataset, { cacheDirectory: '/nowhere', seed: 1, report() {} });
  const training = prepareTraining(configSchema.parse({ ...config, ...overrides }), small(dataset), active);
  const counted = { worked: 0 };
  const { repeat } = training;
  if (repeat)
    training.repeat = (used, work) =>
      repeat(used, () => {
        counted.worked++;
        return work();
      });
  return { training, counted };
}

async function finish(training: Training, position: Position, until = steps) {
  const losses: number[] = [];
  const controller = new AbortController();
  const hooks = {
    onIteration({ iteration, loss }: IterationRow) {
      losses.push(loss);
      if (iteration + 1 === until) controller.abort();
    },
    needsWeights: (iteration: number) => iteration === until,
    signal: controller.signal,
  };
  const scores: number[] = [];
  for await (const row of train(training, position, hooks)) scores.push(row.val_loss);
  const values = await Promise.all(variablesOf(training).map(async ({ value }) => [...(await value.data())]));
  return { losses, scores, values };
}

describe.skipIf(!availability.usable).each(['f32', 'f16'] as const)(
  'training in %s with replayed steps',
  (precision) => {
    const kinds = {
      sgd: {},
      adam: { optimizer: { type: 'adam' } },
      clipped: { optimizer: { type: 'sgd', clip_norm: 1 } },
      'with frozen layers': { init: { from: 'x', freeze: ['stem'] } },
    };
    test.each(Object.entries(kinds))(
      '%s gives the same bits as without',
      async (_kind, overrides) => {
        const active = await useBackend('webgpu', { precision, device });
        const { stepsInFlight, lossScale, warmUp, repeater } = active;
        const from = () => {
          const forced = precision === 'f16' ? { lossScale: { value: 2 ** 24, goodSteps: 0 } } : {}; // overflows
          return { ...startPosition(), ...forced };
        };
        const { training: plain } = await prepared({ stepsInFlight, lossScale }, overrides);
        const expected = await finish(plain, from());
        expect(expected.losses).toHaveLength(steps);

        const { training, counted } = await prepared({ stepsInFlight, lossScale, warmUp, repeater }, overrides);
        expect(await finish(training, from())).toEqual(expected);
        const afterWarmUp = counted.worked - 2; // which runs a batch of each size
        console.log(`${precision}: ${steps - afterWarmUp} of ${steps} steps were replayed`);
        expect(afterWarmUp).toBeLessThanOrEqual(5);
      },
      300_000,
    );

    test('stopped and resumed, ends as if uninterrupted', async () => {
      const active = await useBackend('webgpu', { precision, device });
      const { training: whole } = await prepared(active, {});
      const expected = await finish(whole, startPosition());
      const { training: first } = await prepared(active, {});
      const position = startPosition();
      const begun = await finish(first, position, 7);
      const { training: second } = await prepared(active, {});
      variablesOf(second).forEach((variable, i) => {
        const { shape } = variable.value;
        variable.value.dispose();
        variable.value = tensor(begun.values[i]!, shape as [number]) as never;
      });
      const rest = await finish(second, position);
      expect([...begun.losses, ...rest.losses]).toEqual(expected.losses);
      expect(rest.values).toEqual(expected.values);
    }, 300_000);
  },
);

test.skipIf(!availability.usable)(
  'uploads are never replayed: dropout differs from step to step',
  async () => {
    const model = { type: 'wide-resnet', depth: 10, width: 1, dropout: 0.3 };
    const active = await useBackend('webgpu', { precision: 'f32', device });
    const { training: plain } = await prepared({}, { model });
    const { training, counted } = await prepared(active, { model });
    expect(await finish(training, startPosition(), 4)).toEqual(await finish(plain, startPosition(), 4));
    expect(counted.worked).toBe(2 + 4);
  },
  300_000,
);
