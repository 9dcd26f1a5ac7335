import { beforeAll, expect, test } from 'vitest';
import { configSchema } from '../config.js';
import { type Dataset, datasets, type Split } from '../datasets/index.js';
import { prepareTraining } from '../experiment.js';
import { startPosition, train } from '../train.js';
import { probeBackends, useBackend } from './index.js';

/** Of a loss, relative: what ten updates in float32 may make of sums taken in another order (seen: 1e-6). */
const tolerance = 1e-5;

const config = configSchema.parse({
  batch_size: 4,
  max_iterations: 10,
  dataset: { type: 'synthetic', train_size: 40, val_size: 10 },
  augmentation: { flip: true, crop: { pad: 1 } },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'constant', lr: 0.1 },
});

/** Every fourth row and column, so that the reference is done in seconds, and four of them a batch. */
function small({ imageShape: [, width], train, validation, ...rest }: Dataset): Dataset {
  const reduced = ({ images, labels }: Split): Split => {
    const kept = (_: number, i: number) => {
      const [pixel, row] = [Math.floor(i / 3), Math.floor(i / 3 / width)];
      return (pixel % width) % 4 === 0 && row % 4 === 0;
    };
    return { images: images.filter(kept), labels };
  };
  return { ...rest, imageShape: [8, 8, 3], train: reduced(train), validation: reduced(validation) };
}

/** The losses of the first ten iterations on the backend of that name. */
async function firstLosses(backend: string): Promise<number[]> {
  await useBackend(backend, { precision: 'f32' });
  const dataset = await datasets.create(config.dataset, { cacheDirectory: '/nowhere', seed: 1, report() {} });
  const losses: number[] = [];
  const hooks = { onIteration: ({ loss }: { loss: number }) => void losses.push(loss), signal: AbortSignal.any([]) };
  for await (const _ of train(prepareTraining(config, small(dataset)), startPosition(), hooks));
  return losses;
}

let reference: number[];
beforeAll(async () => {
  reference = await firstLosses('cpu');
}, 120_000);

test('the reference losses change, so that agreeing with them means something', () => {
  expect(reference).toHaveLength(10);
  expect(Math.max(...reference) / Math.min(...reference)).toBeGreaterThan(1.1);
});

for (const { name, availability } of (await probeBackends()).filter(({ name }) => name !== 'cpu')) {
  if (!availability.usable) console.log(`losses on backend ${name} are not compared: ${availability.reason}`);
  test.skipIf(!availability.usable)(
    `the first ten training losses on ${name} are the reference's`,
    async () => {
      const losses = await firstLosses(name);
      const errors = losses.map((loss, i) => Math.abs(loss / reference[i]! - 1));
      expect(errors).toHaveLength(10);
      expect(Math.max(...errors)).toBeLessThan(tolerance);
    },
    60_000,
  );
}
