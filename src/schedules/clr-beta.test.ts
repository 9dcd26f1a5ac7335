import { describe, expect, test } from 'vitest';
import { schedules } from './index.js';

const length = { iterations: 9310, iterationsPerEpoch: 98 };
const make = (options: object) => schedules.create(schedules.schema.parse({ type: 'clr-beta', ...options }), length);

describe('clr-beta', () => {
  const run = make({ max_lr: 0.8, div: 10, pct: 13.68 });

  test('goes 0.08, 0.8, 0.08, 0.0008 with momentum 0.95, 0.85, 0.95, 0.95 over 95 epochs of 98 batches', () => {
    const lr = [0, 4018, 8036, 9310].map((t) => run(t).lr);
    const momentum = [0, 4018, 8036, 9310].map((t) => run(t).momentum);
    [0.08, 0.8, 0.08, 0.0008].forEach((x, i) => {
      expect(lr[i]).toBeCloseTo(x, 12);
    });
    [0.95, 0.85, 0.95, 0.95].forEach((x, i) => {
      expect(momentum[i]).toBeCloseTo(x, 12);
    });
    expect(run(9309).lr).toBeCloseTo(0.00086, 5);
  });
});
