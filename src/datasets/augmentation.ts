import { z } from 'zod';
import { planWidth } from '../ops/assemble-batch.js';
import { randomStream } from '../random.js';

/** What happens to a training image each time it is used; nothing by default. */
export const augmentationSchema = z.strictObject({
  flip: z.boolean().default(false).describe('mirror left-right with probability 1/2'),
  crop: z
    .strictObject({
      pad: z.int().min(1).max(16).default(4).describe('pixels added on each side before a crop of the original size'),
      mode: z.enum(['zero', 'reflect', 'symmetric']).default('zero').describe('what the added pixels hold'),
    })
    .nullable()
    .default(null)
    .describe('pad, then crop at a random place'),
});

/** A validated `augmentation` of a config. */
export type Augmentation = z.output<typeof augmentationSchema>;

/** [count, planWidth] for assembleBatch: every image once, in its own order, unchanged. */
export function fixedPlan(count: number): Int32Array {
  const plan = new Int32Array(count * planWidth);
  for (let i = 0; i < count; i++) plan[i * planWidth] = i;
  return plan;
}

/** [count, planWidth] for assembleBatch: the whole epoch at once, drawn position by position. */
export function epochPlan(count: number, { flip, crop }: Augmentation, seed: number, epoch: number): Int32Array {
  const order = randomStream(seed, 'shuffle', epoch).permutation(count);
  const random = randomStream(seed, 'augmentation', epoch);
  const offset = () => (crop ? random.integer(0, 2 * crop.pad) : 0);
  const plan = new Int32Array(count * planWidth);
  order.forEach((index, i) => {
    plan.set([index, offset(), offset(), flip ? random.integer(0, 1) : 0], i * planWidth);
  });
  return plan;
}
