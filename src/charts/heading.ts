import { z } from 'zod';
import { printable } from '../results/printable.js';

const text = z.string().transform((value) => printable(value).slice(0, 100));
const typed = z.looseObject({ type: text });

/** What charts say of a config.json, which may be another's: only this counts, and only as text that is safe to draw. */
export const headingSchema = z.looseObject({
  name: text,
  seed: z.number(),
  batch_size: z.number(),
  model: typed.extend({ depth: z.number().optional() }),
  dataset: typed,
  optimizer: typed,
  schedule: typed,
});

/** A config.json as far as charts are concerned. */
export type HeadingConfig = z.output<typeof headingSchema>;

/** "resnet-56 on cifar10" */
export function modelOnData({ model, dataset }: HeadingConfig): string {
  return `${model.type}${model.depth === undefined ? '' : `-${model.depth}`} on ${dataset.type}`;
}
