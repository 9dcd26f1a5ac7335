import { beforeAll, describe, expect, it } from 'vitest';
import { cpu } from '../backends/cpu/index.js';
import { assembleBatch, type PadMode, planWidth } from '../ops/assemble-batch.js';
import { type Augmentation, augmentationSchema, epochPlan } from './augmentation.js';
import {
  type Batch,
  batchesPerEpoch,
  cyclicBatches,
  epochBatches,
  meanImageNormalisation,
  normalisation,
  validationBatches,
} from './batches.js';
import type { Dataset, Split } from './dataset.js';

beforeAll(() => cpu.activate({ precision: 'f32' }));

const imageShape: Dataset['imageShape'] = [3, 3, 1];
const asIs = { mean: [0], deviation: [1 / 255] }; // the values are the bytes themselves
const none = augmentationSchema.parse({});
const both: Augmentation = { ...none, flip: true, crop: { pad: 2, mode: 'zero' } };

/** Image i holds 9 i + 1 to 9 i + 9; its label is i % 10. */
function splitOf(count: number): Split {
  return {
    images: Uint8Array.from({ length: 9 * count }, (_, i) => i + 1),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 10),
  };
}

/** Reads the batches, with pixel values rounded to the original bytes. */
function valuesOf(batches: Iterable<Batch>): { labels: number[]; pixels: number[]; shape: number[] }[] {
  return [...batches].map(({ x, labels, size }) => {
    expect(labels.dtype).toBe('float32');
    expect(labels.shape).toEqual([size]);
    const values = { labels: [...labels.dataSync()], pixels: [...x.dataSync()].map(Math.round), shape: x.shape };
    x.dispose();
    labels.dispose();
    return values;
  });
}

const epoch = (changes = {}) => {
  const usual = { batchSize: 4, dropLast: false, augmentation: none, normalisation: asIs, seed: 1, epoch: 0 };
  return valuesOf(epochBatches({ split: splitOf(10), imageShape, ...usual, ...changes }));
};

describe('normalisation', () => {
  it('is the mean and population standard deviation of each channel', () => {
    const { mean, deviation } = normalisation(
      { images: Uint8Array.of(0, 51, 255, 153), labels: Uint8Array.of(0) },
      [1, 2, 2],
    );
    expect(mean).toEqual([0.5, 0.4]);
    expect(deviation[0]).toBeCloseTo(0.5, 14);
    expect(deviation[1]).toBeCloseTo(0.2, 14);
  });

  it('refuses a channel whose values are all equal', () => {
    expect(() => normalisation({ images: new Uint8Array(9), labels: new Uint8Array(1) }, imageShape)).toThrow(
      /channel 0/,
    );
  });
});

describe('training batches', () => {
  it('keep or drop the last partial one', () => {
    expect(epoch().map(({ shape }) => shape)).toEqual([
      [4, 3, 3, 1],
      [4, 3, 3, 1],
      [2, 3, 3, 1],
    ]);
    expect(epoch({ dropLast: true })).toHaveLength(2);
    expect([batchesPerEpoch(10, 5, false), batchesPerEpoch(3, 4, false), batchesPerEpoch(3, 4, true)]).toEqual([
      2, 1, 0,
    ]);
  });

  it('hold every image once, with its label, in another order each epoch', () => {
    const order = (changes: object) => epoch(changes).flatMap(({ labels }) => labels);
    const pixels = epoch().flatMap((batch) => batch.pixels);
    for (const [i, label] of order({}).entries()) expect(pixels[9 * i]).toBe(9 * label + 1);
    expect(order({}).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(order({})).toEqual(order({}));
    expect(order({ epoch: 1 })).not.toEqual(order({}));
    expect(order({ seed: 2 })).not.toEqual(order({}));
  });

  it('are the same when started in the middle of an epoch', () => {
    for (const augmentation of [none, both])
      expect(epoch({ augmentation, firstBatch: 1 })).toEqual(epoch({ augmentation }).slice(1));
  });

  it('are shuffled alike with and without augmentation', () => {
    const labels = (augmentation: Augmentation) => epoch({ augmentation }).map((batch) => batch.labels);
    expect(labels(both)).toEqual(labels(none));
    expect(epoch({ augmentation: both })).not.toEqual(epoch());
  });
});

describe('batches in a fixed cyclic order', () => {
  const options = { split: splitOf(10), imageShape, batchSize: 4, augmentation: none, normalisation: asIs, seed: 1 };
  const labels = (first: number, end: number, changes = {}) =>
    valuesOf(cyclicBatches({ ...options, ...changes, first, end })).flatMap((batch) => batch.labels);

  it('repeat one order given by the seed, and may span two passes', () => {
    const twoPasses = labels(0, 5);
    expect(twoPasses.slice(0, 10).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(twoPasses.slice(10)).toEqual(twoPasses.slice(0, 10));
    expect(labels(0, 5, { seed: 2 })).not.toEqual(twoPasses);
    expect(labels(0, 1, { batchSize: 23 })).toEqual([...twoPasses, ...twoPasses.slice(0, 3)]);
  });

  it('are the same from any iteration on, also when augmented, with new augmentation in each pass', () => {
    const augmented = { ...options, augmentation: both };
    const whole = valuesOf(cyclicBatches({ ...augmented, first: 0, end: 8 }));
    for (const first of [1, 4, 7])
      expect(valuesOf(cyclicBatches({ ...augmented, first, end: 8 }))).toEqual(whole.slice(first));
    const pixels = whole.flatMap((batch) => batch.pixels);
    expect(pixels.slice(0, 90)).not.toEqual(pixels.slice(90, 180));
  });
});

describe('validation batches', () => {
  const batches = (augmentation: Augmentation, epoch = 0) => {
    const options = { split: splitOf(5), imageShape, batchSize: 3, normalisation: asIs, seed: 1 };
    return valuesOf(validationBatches({ ...options, augmentation, epoch }));
  };

  it('hold all images in stored order, unchanged', () => {
    for (const augmentation of [none, both]) {
      expect(batches(augmentation).flatMap(({ labels }) => labels)).toEqual([0, 1, 2, 3, 4]);
      const pixels = batches(augmentation).flatMap((batch) => batch.pixels);
      expect(pixels).toEqual(Array.from({ length: 45 }, (_, i) => i + 1));
    }
  });

  it('are mirrored at random on request, differently in each epoch', () => {
    const rows = (epoch: number) =>
      batches({ ...none, flip_validation: true }, epoch).flatMap((batch) => batch.pixels.filter((_, i) => i % 9 < 3));
    const mirrored = (epoch: number) => [0, 1, 2, 3, 4].map((n) => rows(epoch)[3 * n] === 9 * n + 3);
    expect(new Set(mirrored(0))).toEqual(new Set([true, false]));
    expect(mirrored(1)).not.toEqual(mirrored(0));
    expect(mirrored(1)).toEqual(mirrored(1));
    expect(rows(0).reduce((a, b) => a + b)).toBe([0, 1, 2, 3, 4].reduce((sum, n) => sum + 27 * n + 6, 0));
  });
});

describe('the mean image', () => {
  const images = Uint8Array.of(0, 10, 20, 30, 40, 50, 1, 11, 21, 31, 41, 52); // two images [1, 2, 3]
  const subtracted = meanImageNormalisation({ images, labels: new Uint8Array(2) }, [1, 2, 3]);

  it('holds the mean of each pixel over all images, in 0..255', () => {
    expect([...subtracted.meanImage!]).toEqual([0.5, 10.5, 20.5, 30.5, 40.5, 51]);
  });

  it('is subtracted from each pixel before cropping and mirroring; added pixels are 0', () => {
    const value = (plan: number[], pad: number) => {
      const options = { images, imageShape: [1, 2, 3] as Dataset['imageShape'], plan: Int32Array.from(plan), pad };
      return [...assembleBatch({ ...options, padMode: 'zero', ...subtracted }).dataSync()];
    };
    expect(value([1, 0, 0, 0], 0)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 1]);
    expect(value([1, 0, 0, 1], 0)).toEqual([0.5, 0.5, 1, 0.5, 0.5, 0.5]);
    expect(value([0, 1, 2, 0], 1)).toEqual([-0.5, -0.5, -1, 0, 0, 0]);
  });
});

describe('augmentation', () => {
  it('is off by default, and a crop has its own defaults', () => {
    expect(none).toEqual({ flip: false, crop: null, flip_validation: false });
    expect(augmentationSchema.parse({ crop: {} }).crop).toEqual({ pad: 4, mode: 'zero' });
    for (const wrong of [{ crop: { pad: 0 } }, { crop: { pad: 17 } }, { crop: { mode: 'edge' } }, { flips: true }])
      expect(augmentationSchema.safeParse(wrong).success).toBe(false);
  });

  it('draws every offset and both directions equally often', () => {
    const plan = epochPlan(10_000, both, 1, 0);
    for (const [column, choices] of [
      [1, 5],
      [2, 5],
      [3, 2],
    ] as const) {
      const counts = new Array(choices).fill(0);
      for (let i = column; i < plan.length; i += planWidth) counts[plan[i]!]++;
      const expected = 10_000 / choices;
      for (const count of counts) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  const corners: [PadMode, number[]][] = [
    ['zero', [0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['reflect', [9, 8, 7, 6, 5, 4, 3, 2, 1]],
    ['symmetric', [5, 4, 4, 2, 1, 1, 2, 1, 1]],
  ];
  it.each(corners)('pads with %s', (padMode, expected) => {
    const plan = Int32Array.of(0, 0, 0, 0); // the top left crop: two added rows and columns, then pixel 1
    const x = assembleBatch({ images: splitOf(1).images, imageShape, plan, pad: 2, padMode, ...asIs });
    expect([...x.dataSync()].map(Math.round)).toEqual(expected);
  });

  it('mirrors left-right, before the crop is taken', () => {
    const plan = Int32Array.of(0, 1, 2, 1); // one pixel to the right of the middle, mirrored
    const x = assembleBatch({ images: splitOf(1).images, imageShape, plan, pad: 1, padMode: 'zero', ...asIs });
    expect([...x.dataSync()].map(Math.round)).toEqual([0, 3, 2, 0, 6, 5, 0, 9, 8]);
  });
});
