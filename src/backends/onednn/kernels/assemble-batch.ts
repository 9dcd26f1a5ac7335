import { type AssembleBatch, normalisationTables, planWidth } from '../../../ops/assemble-batch.js';
import { kernel } from './kernel.js';

const modes = { zero: 0, reflect: 1, symmetric: 2 };

export const assembleBatch = kernel('AssembleBatch', (_inputs: object, batch: AssembleBatch, backend) => {
  const { images, imageShape, plan, pad, padMode } = batch;
  const [height, width, channels] = imageShape;
  const y = backend.allocateActivation([plan.length / planWidth, height, width, channels]);
  const table = new Float32Array(256 * channels);
  for (const [c, row] of normalisationTables(batch).entries()) table.set(row, 256 * c);
  backend.addon.assemble(images, plan, table, backend.activation(y), height, width, channels, pad, modes[padMode]);
  return [y];
});
