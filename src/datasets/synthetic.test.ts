import { describe, expect, it } from 'vitest';
import type { Dataset } from './dataset.js';
import { datasets } from './index.js';

function make(options: object = {}, seed = 1): Promise<Dataset> {
  const config = datasets.schema.parse({ type: 'synthetic', train_size: 40, val_size: 25, ...options });
  return datasets.create(config, { cacheDirectory: '/nowhere', seed, report: () => {} });
}

describe('the synthetic data set', () => {
  it('has the form of CIFAR-10, with balanced classes', async () => {
    const { imageShape, classNames, train, validation } = await make();
    expect(imageShape).toEqual([32, 32, 3]);
    expect(classNames).toHaveLength(10);
    expect([train.images.length, validation.images.length]).toEqual([40 * 3072, 25 * 3072]);
    for (let c = 0; c < 10; c++) expect(train.labels.filter((label) => label === c)).toHaveLength(4);
    expect(new Set(validation.labels).size).toBe(10);
  });

  it('is the same for the same seed only, and its splits differ', async () => {
    const [one, again, other] = await Promise.all([make(), make(), make({}, 2)]);
    const bytes = ({ images }: Dataset['train']) => Buffer.from(images.subarray(0, 25 * 3072));
    expect(bytes(one.train).equals(bytes(again.train))).toBe(true);
    expect(bytes(one.train).equals(bytes(other.train))).toBe(false);
    expect(bytes(one.train).equals(bytes(one.validation))).toBe(false);
  });

  it('draws a solid shape on a plain background at difficulty 0', async () => {
    const { train } = await make({ difficulty: 0 });
    for (let i = 0; i < 40; i++) {
      const image = train.images.subarray(i * 3072, (i + 1) * 3072);
      const colours = new Map<string, number>();
      for (let p = 0; p < 3072; p += 3) {
        const colour = image.subarray(p, p + 3).join();
        colours.set(colour, (colours.get(colour) ?? 0) + 1);
      }
      const [ground, next] = [...colours.values()].sort((a, b) => b - a);
      expect(ground).toBeGreaterThan(300);
      expect(next).toBeGreaterThan(15);
    }
  });
});
