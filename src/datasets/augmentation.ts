import { z } from 'zod';
import { planWidth } from '../ops/assemble-batch.js';
import { randomStream } from '../random.js';

/** What happens to a training image each time it is used; nothing by default. */
export const augmentationSchema = z.strictObject({
  flip: z.boolean().default(false).describe('mirror left-right with probability 1/2'),
  crop: z
    .strictObject({
      pad: z.int().min(1).max(16).default(4).describe('pixels added on each side before a crop of the original size'),
      mode: z.enum(['zero', 'reflect', 'symmetric']).default('zero').describe('values of the added pixels'),
    })
    .nullable()
    .default(null)
    .describe('pad, then crop at a random position'),
  flip_validation: z
    .boolean()
    .default(false)
    .describe("mirror validation images with probability 1/2 too, as the test phase of Smith's Caffe files does"),
});

/** A validated `augmentation` of a config. */
export type Augmentation = z.output<typeof augmentationSchema>;

/** [count, planWidth] for assembleBatch: every image once, in stored order, mirrored at random or unchanged. */
export function validationPlan(
  count: number,
  { flip_validation: flip }: Augmentation,
  seed: number,
  epoch: number,
): Int32Array {
  const random = randomStream(seed, 'validation', epoch);
  const plan = new Int32Array(count * planWidth);
  for (let i = 0; i < count; i++) plan.set([i, 0, 0, flip ? random.integer(0, 1) : 0], i * planWidth);
  return plan;
}

/** [count, planWidth] for assembleBatch: a whole epoch, shuffled and augmented by (seed, epoch). */
export function epochPlan(count: number, augmentation: Augmentation, seed: number, epoch: number): Int32Array {
  return augmented(randomStream(seed, 'shuffle', epoch).permutation(count), augmentation, seed, epoch);
}

/** Returns a function: the plan of `size` images from position `start` on, in one order that is repeated endlessly. */
export function cyclicPlan(
  count: number,
  augmentation: Augmentation,
  seed: number,
): (start: number, size: number) => Int32Array {
  const order = randomStream(seed, 'shuffle').permutation(count);
  let known: { pass: number; plan: Int32Array } = { pass: -1, plan: new Int32Array() };
  const passPlan = (pass: number) => {
    if (pass !== known.pass) known = { pass, plan: augmented(order, augmentation, seed, pass) };
    return known.plan;
  };
  return (start, size) => {
    const rows = new Int32Array(size * planWidth);
    for (let done = 0; done < size; ) {
      const at = (start + done) % count;
      const part = Math.min(size - done, count - at);
      const plan = passPlan(Math.floor((start + done) / count));
      rows.set(plan.subarray(at * planWidth, (at + part) * planWidth), done * planWidth);
      done += part;
    }
    return rows;
  };
}

/** The images in `order`; augmentation is drawn by position, not by image. */
function augmented(order: Int32Array, { flip, crop }: Augmentation, seed: number, pass: number): Int32Array {
  const random = randomStream(seed, 'augmentation', pass);
  const offset = () => (crop ? random.integer(0, 2 * crop.pad) : 0);
  const plan = new Int32Array(order.length * planWidth);
  order.forEach((index, i) => {
    plan.set([index, offset(), offset(), flip ? random.integer(0, 1) : 0], i * planWidth);
  });
  return plan;
}
