import { type AssembleBatch, normalisationTables, planWidth } from '../../../ops/assemble-batch.js';
import { kernel } from './kernel.js';

const modes = { zero: 0, reflect: 1, symmetric: 2 };

export const assembleBatch = kernel('AssembleBatch', (_inputs: object, batch: AssembleBatch, backend) => {
  const { images, imageShape, plan, pad, padMode, meanImage } = batch;
  const [height, width, channels] = imageShape;
  const count = images.length / (height * width * channels);
  for (let i = 0; i < plan.length; i += planWidth) {
    const [index, top, left] = plan.subarray(i) as unknown as [number, number, number];
    if (!(index >= 0 && index < count && top >= 0 && left >= 0 && Math.max(top, left) <= 2 * pad))
      throw new Error(`no crop at (${top}, ${left}) of image ${index} among ${count} padded by ${pad}`);
  }
  if (!(pad === 0 || padMode === 'zero' || pad < Math.min(height, width)))
    throw new Error(`images of ${height} x ${width} cannot be mirrored into ${pad} pixels`);
  const y = backend.allocateActivation([plan.length / planWidth, height, width, channels]);
  const table = new Float32Array(256 * channels);
  for (const [c, row] of normalisationTables(batch).entries()) table.set(row, 256 * c);
  const output = backend.activation(y);
  backend.addon.assemble(images, plan, table, meanImage, output, height, width, channels, pad, modes[padMode]);
  return [y];
});
