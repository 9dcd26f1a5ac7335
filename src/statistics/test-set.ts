import { type Random, randomStream } from '../random.js';
import { criticalT } from './student-t.js';

/** For each run of an arm: 1 (right) or 0 for each image of the test set. */
export type Predictions = readonly Uint8Array[];

/**
 * The standard deviation between seeds, in percentage points, due to the images alone: the spread of runs that classify
 * each image correctly with a probability of its own, independently of the others (as in Jordan, arXiv:2304.01910). The
 * variance is unbiased: sum of p (1 - p) n / (n - 1) over the images. NaN for one run.
 */
export function imageStd(runs: Predictions): number {
  const [n, images] = [runs.length, runs[0]?.length ?? 0];
  if (n < 2) return Number.NaN;
  let sum = 0;
  for (let x = 0; x < images; x++) {
    const p = runs.reduce((count, run) => count + run[x]!, 0) / n;
    sum += (p * (1 - p) * n) / (n - 1);
  }
  return (100 * Math.sqrt(sum)) / images;
}

const replicates = 1000;

/**
 * Bootstrap interval of a's mean accuracy minus b's, in percentage points, over other seeds and other test images: the
 * images are resampled, the same for both arms, and n - 1 of each arm's n seeds, which makes its variance unbiased (Rao
 * and Wu 1988, J. Am. Statist. Assoc. 83). Percentiles treat the spread of few seeds as known, so the interval is
 * widened by Student's t over the normal quantile, at the smaller arm's degrees of freedom. Undefined for fewer than
 * three seeds.
 */
export function otherSeedsAndImages(
  a: Predictions,
  b: Predictions,
  alpha: number,
): { low: number; high: number } | undefined {
  if (a.length < 3 || b.length < 3) return undefined;
  const random = randomStream(1, 'bootstrap');
  const images = a[0]!.length;
  const draws = Float64Array.from({ length: replicates }, () => {
    const weights = resampled(images, random);
    return (100 * (resampledMean(a, weights, random) - resampledMean(b, weights, random))) / images;
  }).sort();
  const few = criticalT(alpha, Math.min(a.length, b.length) - 1) / criticalT(alpha, 1e6);
  const center = draws.reduce((sum, draw) => sum + draw, 0) / replicates;
  const at = (share: number) => center + few * (quantile(share) - center);
  const quantile = (share: number) => draws[Math.min(replicates - 1, Math.max(0, Math.round(share * replicates)))]!;
  return { low: at(alpha / 2), high: at(1 - alpha / 2) };
}

/** How often each image occurs in a resample of the same size. */
function resampled(images: number, random: Random): Uint8Array {
  const weights = new Uint8Array(images);
  for (let i = 0; i < images; i++) weights[Math.floor(random.uniform() * images)]!++;
  return weights;
}

/** Correct predictions on the resampled images, the mean of n - 1 seeds drawn. */
function resampledMean(runs: Predictions, weights: Uint8Array, random: Random): number {
  const sums = runs.map((run) => run.reduce((sum, right, x) => sum + right * weights[x]!, 0));
  const drawn = Array.from({ length: runs.length - 1 }, () => sums[random.integer(0, runs.length - 1)]!);
  return drawn.reduce((sum, right) => sum + right, 0) / drawn.length;
}
