import { mean, median } from '../statistics/statistics.js';
/** What an LR range test measured, one number an update; LRs rise. */
export interface LrCurve {
  lr: readonly number[];
  /** Training loss of each batch. */
  loss: readonly number[];
  /** Its debiased moving average. */
  smoothed: readonly number[];
  /** Accuracy on a validation batch after the update, percent; where it was measured. */
  val_acc?: readonly number[];
}

/** How a maximum LR is read off the curve, in the order of the output. */
export const methods = ['minimum/10', 'steepest', 'valley', 'range'] as const;
/** One of `methods`. */
export type Method = (typeof methods)[number];

/** A maximum LR (and for `range` the base LR under it), or why there is none. */
export type Suggestion = { method: Method; max_lr: number; base_lr?: number } | { method: Method; reason: string };

/** Fewest points left, after the first tenth, that a method is asked about. */
const fewest = 10;

/** A curve whose running median stays above this share of ln(classes), the loss of guessing, has learnt nothing. */
const learnt = 0.98;

/**
 * What each method makes of the curve. The points from the first loss that is not finite on, and the first tenth, where the
 * moving average has hardly begun, are left out. No method has an answer where there are too few points, the loss does not
 * fall by more than its noise, or falls (from a start above) to that of guessing alone.
 */
export function suggest(curve: LrCurve, classes: number): Suggestion[] {
  const firstBad = curve.loss.findIndex((loss) => !Number.isFinite(loss));
  const end = firstBad < 0 ? curve.loss.length : firstBad;
  const start = Math.floor(end / 10);
  const part = <T>(values: readonly T[]) => values.slice(start, end);
  const { lr, loss, smoothed } = curve;
  const kept = {
    lr: part(lr),
    loss: part(loss),
    smoothed: part(smoothed),
    val_acc: curve.val_acc && part(curve.val_acc),
  };
  const none = (reason: string) => methods.map((method) => ({ method, reason }));
  if (end - start < fewest) return none(`too few points: ${end} with a finite loss, ${fewest + 1} are needed`);
  if (!lowest(kept.loss).fell) return none('the loss never falls by more than its noise');
  if (Math.min(...runningMedian(kept.loss)) > learnt * Math.log(classes)) return none(nothingLearnt(classes));
  const diverged = firstBad >= 0 || kept.loss.at(-1)! > kept.smoothed[0]!;
  return [minimum(kept, diverged), steepest(kept, diverged), valley(kept), range(kept, diverged)];
}

/** A tenth of the LR at which the smoothed loss is least (fastai 2, `minimum`; https://docs.fast.ai/callback.schedule.html). */
function minimum({ lr, smoothed }: LrCurve, diverged: boolean): Suggestion {
  const at = argmin(smoothed);
  if (at === lr.length - 1 && !diverged) return { method: 'minimum/10', reason: stillFalling('smoothed loss', lr) };
  return { method: 'minimum/10', max_lr: lr[at]! / 10 };
}

/**
 * The LR where the smoothed loss falls most for the same factor in LR, before its minimum: the steepest slope of the
 * regression line over a tenth of the points, on the axis of log LR whatever the test's spacing. (fastai 2's `steep` takes
 * differences of neighbours, which pick out the noise; fastai 1 differentiated by the index.)
 */
function steepest({ lr, smoothed }: LrCurve, diverged: boolean): Suggestion {
  const h = halfWindow(lr.length);
  const logs = lr.map(Math.log);
  const last = Math.min(argmin(smoothed), lr.length - 1 - h);
  let [at, least] = [-1, 0];
  for (let i = h; i <= last; i++) {
    const slope = regressionSlope(logs.slice(i - h, i + h + 1), smoothed.slice(i - h, i + h + 1));
    if (slope < least) [at, least] = [i, slope];
  }
  if (at < 0) return { method: 'steepest', reason: 'the smoothed loss has no stretch that falls' };
  if (at >= lr.length - 1 - 2 * h && !diverged)
    return { method: 'steepest', reason: stillFalling('smoothed loss', lr, 'falls fastest') };
  return { method: 'steepest', max_lr: lr[at]! };
}

/**
 * The middle of the longest valley (fastai 2, `valley`, its default): of the longest strictly falling subsequence of the
 * smoothed loss, n points that end at update e, the update e - n + floor(n / 3) + floor(n / 6).
 */
function valley({ lr, smoothed }: LrCurve): Suggestion {
  const lengths: number[] = []; // of the longest falling subsequence that ends at each point
  let end = 0;
  smoothed.forEach((loss, i) => {
    let longest = 0;
    for (let j = 0; j < i; j++) if (smoothed[j]! > loss) longest = Math.max(longest, lengths[j]!);
    lengths.push(longest + 1);
    if (lengths[i]! > lengths[end]!) end = i;
  });
  const n = lengths[end]!;
  if (n < 3) return { method: 'valley', reason: 'the smoothed loss has no stretch that falls' };
  return { method: 'valley', max_lr: lr[end - n + Math.floor(n / 3) + Math.floor(n / 6)]! };
}

/**
 * The bounds of a cycle in Smith's sense. max_lr: where the accuracy peaks, as in his figures (arXiv:1506.01186, sec. 3.3:
 * "slows, becomes ragged, or starts to fall"), or without validation where the training loss stops falling. base_lr: a tenth
 * of it (arXiv:1803.09820, sec. 5). Both are read off the running median over a tenth of the points, which has no lag: the
 * moving average's minimum comes some 20 updates late, by a factor of 4 in LR for 100 updates over six decades.
 */
function range({ lr, loss, val_acc }: LrCurve, diverged: boolean): Suggestion {
  const what = val_acc ? 'validation accuracy' : 'loss';
  const { at, fell } = lowest(val_acc ? val_acc.map((accuracy) => -accuracy) : loss);
  if (!fell)
    return { method: 'range', reason: `the ${what} never ${val_acc ? 'rises' : 'falls'} by more than its noise` };
  if (at >= lr.length - 1 - halfWindow(lr.length) && !diverged)
    return { method: 'range', reason: stillFalling(what, lr, val_acc ? 'rises' : 'falls') };
  return { method: 'range', max_lr: lr[at]!, base_lr: lr[at]! / 10 };
}

/**
 * Where the running median of noisy values is least (at the highest such LR), and whether they fall up to there: Mann and
 * Kendall's test for a trend (Mann, Econometrica 13, 1945) at z = 3.5, in which the size of outliers does not count.
 */
function lowest(values: readonly number[]): { at: number; fell: boolean } {
  const medians = runningMedian(values);
  const at = medians.lastIndexOf(Math.min(...medians)); // of a plateau the end
  const n = at + 1;
  let falling = 0; // pairs that fall, less those that rise
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) falling += Math.sign(values[j]! - values[i]!);
  return { at, fell: falling > 3.5 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18) };
}

/** Of each value and its neighbours, a tenth of all values; at the ends, of those neighbours that there are. */
export function runningMedian(values: readonly number[]): number[] {
  const h = halfWindow(values.length);
  return values.map((_, i) => median(values.slice(Math.max(0, i - h), i + h + 1)));
}

function halfWindow(points: number): number {
  return Math.max(1, Math.round(points / 20));
}

function stillFalling(what: string, lr: readonly number[], verb = 'falls'): string {
  return `the ${what} still ${verb} at the last LR, ${Number(lr.at(-1)!.toPrecision(2))}: raise --end`;
}

function nothingLearnt(classes: number): string {
  const guessing = `guessing's, ln ${classes} = ${Math.log(classes).toFixed(2)}`;
  return `the loss never gets 2 % below ${guessing}: lower --start, without --linear`;
}

function argmin(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value < values[best]! ? i : best), 0);
}

function regressionSlope(x: readonly number[], y: readonly number[]): number {
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, xi, i) => sum + (xi - mx) * (y[i]! - my), 0);
  return covariance / x.reduce((sum, xi) => sum + (xi - mx) ** 2, 0);
}
