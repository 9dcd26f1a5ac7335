import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** What a stream is for. Those of different purposes are independent: drawing more from one changes no other. */
export type Purpose =
  | 'init'
  | 'shuffle'
  | 'augmentation'
  | 'validation'
  | 'subset'
  | 'holdout'
  | 'synthetic'
  | 'simulation'
  | 'search'
  | 'bootstrap';

/** A seeded stream of numbers. */
export interface Random {
  /** In [0, 1). */
  uniform(): number;
  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number;
  /** Mean 0, standard deviation 1. */
  normal(): number;
  /** 0 to n-1 in random order (Fisher-Yates). */
  permutation(n: number): Int32Array;
}

/**
 * The stream of (seed, purpose, index). Training takes a new one for each epoch (`index`), so nothing is carried from
 * one epoch to the next: a resumed run needs the epoch's number, not a generator's state.
 */
export function randomStream(seed: number, purpose: Purpose, index = 0): Random {
  const generator = xoroshiro128plus(hash(`${seed}/${purpose}/${index}`));
  const uniform = () => uniformFloat64(generator);
  const integer = (low: number, high: number) => uniformInt(generator, low, high);
  return {
    uniform,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()), // Box-Muller
    permutation(n) {
      const order = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = integer(0, i);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    },
  };
}

/** An integer below 2^32 for (seed, purpose, indices), from the same hash that seeds the streams. */
export function keyOf(seed: number, purpose: 'dropout', ...indices: number[]): number {
  return hash([seed, purpose, ...indices].join('/')) >>> 0;
}

/** FNV-1a, 32 bits, with murmur3's final mix so that neighbouring seeds start far apart. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
