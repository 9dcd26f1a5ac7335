import { describe, expect, it } from 'vitest';
import { randomStream } from './random.js';

describe('a random stream', () => {
  it('repeats itself for the same seed, purpose and index', () => {
    const draw = () => Array.from({ length: 5 }, randomStream(7, 'init', 3).uniform);
    expect(draw()).toEqual(draw());
  });

  it.each([
    ['seed', randomStream(8, 'init', 3)],
    ['purpose', randomStream(7, 'shuffle', 3)],
    ['index', randomStream(7, 'init', 4)],
  ])('differs for another %s', (_what, other) => {
    expect(other.uniform()).not.toBe(randomStream(7, 'init', 3).uniform());
  });

  it('draws normal numbers with mean 0 and deviation 1', () => {
    const { normal } = randomStream(1, 'init');
    const values = Array.from({ length: 20_000 }, normal);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.04);
  });

  it('permutes the indices, each exactly once', () => {
    const order = randomStream(1, 'shuffle').permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...order.slice(0, 5)]).not.toEqual([0, 1, 2, 3, 4]);
  });
});
