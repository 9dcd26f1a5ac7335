import { z } from 'zod';
import { printable } from '../system/printable.js';

const text = z.string().transform((value) => printable(value).slice(0, 100));
const typed = z.looseObject({ type: text });

/** The part of a config.json that charts show; others may have written it, so text is made safe to draw. */
export const headingSchema = z.looseObject({
  name: text,
  seed: z.number(),
  batch_size: z.number(),
  model: typed.extend({ depth: z.number().optional(), blocks: z.array(z.number()).optional() }),
  dataset: typed,
  optimizer: typed,
  schedule: typed,
});

/** A config.json as far as charts are concerned. */
export type HeadingConfig = z.output<typeof headingSchema>;

/** "resnet-56 on cifar10"; a model defined by its blocks has two layers in each, and a stem and a head. */
export function modelOnData({ model, dataset }: HeadingConfig): string {
  const depth = model.blocks ? 2 * model.blocks.reduce((sum, n) => sum + n, 0) + 2 : model.depth;
  return `${model.type}${depth === undefined ? '' : `-${depth}`} on ${dataset.type}`;
}
