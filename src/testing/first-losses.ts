import type { BackendOptions } from '../backends/backend.js';
import { useBackend } from '../backends/index.js';
import { configSchema } from '../config/schema.js';
import type { Dataset, Split } from '../datasets/dataset.js';
import { datasets } from '../datasets/index.js';
import { startPosition } from '../training/position.js';
import { prepareTraining } from '../training/prepare.js';
import { train } from '../training/train.js';

const configOf = (batchSize: number, lr: number) =>
  configSchema.parse({
    batch_size: batchSize,
    max_iterations: 10,
    dataset: { type: 'synthetic', train_size: 10 * batchSize, val_size: 10 },
    augmentation: { flip: true, crop: { pad: 1 } },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'constant', lr },
  });

/** Keeps every fourth row and column, so that the reference takes only seconds. */
export function small({ imageShape: [, width], train, validation, ...rest }: Dataset): Dataset {
  const reduced = ({ images, labels }: Split): Split => {
    const kept = (_: number, i: number) => {
      const [pixel, row] = [Math.floor(i / 3), Math.floor(i / 3 / width)];
      return (pixel % width) % 4 === 0 && row % 4 === 0;
    };
    return { images: images.filter(kept), labels };
  };
  return { ...rest, imageShape: [8, 8, 3], train: reduced(train), validation: reduced(validation) };
}

/** Losses of the first ten iterations of a small net on a backend; by default float32, 4 images per batch, LR 0.1. */
export async function firstLosses(
  name: string,
  { lr = 0.1, batchSize = 4, ...options }: Partial<BackendOptions> & { lr?: number; batchSize?: number } = {},
): Promise<number[]> {
  const config = configOf(batchSize, lr);
  const { stepsInFlight } = await useBackend(name, { precision: 'f32', ...options });
  const dataset = await datasets.create(config.dataset, { cacheDirectory: '/nowhere', seed: 1, report() {} });
  const losses: number[] = [];
  const hooks = { onIteration: ({ loss }: { loss: number }) => void losses.push(loss), signal: AbortSignal.any([]) };
  const training = { ...prepareTraining(config, small(dataset)), stepsInFlight };
  for await (const _ of train(training, startPosition(), hooks));
  return losses;
}
