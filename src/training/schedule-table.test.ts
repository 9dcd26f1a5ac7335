import { expect, test } from 'vitest';
import { configSchema } from '../config/schema.js';
import { scheduleRows } from './schedule-table.js';

const config = (dataset: object) =>
  configSchema.parse({ epochs: 2, batch_size: 100, dataset, schedule: { type: 'constant', lr: 0.1 } });

test.each([
  ["CIFAR-10's 50,000 images", { type: 'cifar10' }, 1000],
  ['the part of CIFAR-10 that the config takes', { type: 'cifar10', train_limit: 1050 }, 22],
  ['the generated images that the config asks for', { type: 'synthetic', train_size: 300 }, 6],
  ['the generated images that there are by default', { type: 'synthetic' }, 40],
])('the table is as long as a run over %s', (_what, dataset, iterations) => {
  const rows = [...scheduleRows(config(dataset))];
  expect(rows).toHaveLength(iterations);
  expect(rows.at(-1)).toMatchObject({ iteration: iterations - 1, epoch: 2 });
});

test('a given number of batches replaces that of the data set', () => {
  expect([...scheduleRows(config({ type: 'synthetic' }), 7)]).toHaveLength(14);
});
