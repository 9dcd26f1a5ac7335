import { median } from '../statistics/median.js';
import { keptPoints, minimum, slide, steep, valley } from './fastai.js';
import { lossLine } from './line.js';

/** What an LR range test measured, one number per update; LRs rise. */
export interface LrCurve {
  lr: readonly number[];
  /** Training loss of each batch. */
  loss: readonly number[];
  /** Its debiased moving average (0.98). */
  average: readonly number[];
  /** Accuracy on a validation batch after the update, percent; if it was measured. */
  val_acc?: readonly number[];
}

/** How a maximum LR is read off the curve, in the order of the output: ours, fastai's four, and Smith's. */
export const methods = ['recommended', 'valley', 'steep', 'minimum', 'slide', 'range'] as const;
/** One of `methods`. */
export type Method = (typeof methods)[number];

/** A maximum LR (for `range` with the base LR under it, for `recommended` with its reason), or why there is none. */
export type Suggestion =
  | { method: Method; max_lr: number; base_lr?: number; why?: string; caution?: string }
  | { method: Method; reason: string };

/** The fewest points after the first tenth that our own methods accept. */
const minPoints = 10;

/** A curve whose running median stays above this share of ln(classes), the loss of guessing, has learnt nothing. */
const learnt = 0.98;

/**
 * The suggestion of each method. fastai's four answer wherever fastai does. Our own leave out the first tenth of the
 * points and all from the first loss that is not finite, and have no answer if there are too few points, if the loss
 * does not fall by more than its noise, or if it only falls (from a start above) to that of guessing. `iterations`:
 * those asked for.
 */
export function suggest(curve: LrCurve, classes: number, iterations = curve.lr.length): Suggestion[] {
  const firstBad = curve.loss.findIndex((loss) => !Number.isFinite(loss));
  const end = firstBad < 0 ? curve.loss.length : firstBad;
  const part = (values: readonly number[]) => values.slice(Math.floor(end / 10), end);
  const kept = { lr: part(curve.lr), loss: part(curve.loss), val_acc: curve.val_acc && part(curve.val_acc) };
  const diverged = firstBad >= 0 || kept.loss.at(-1)! > kept.loss[0]!;
  const ended = { diverged, early: curve.lr.length < iterations };
  const reason = unusable(kept, classes);
  const [first, last] = reason
    ? (['recommended', 'range'] as const).map((method): Suggestion => ({ method, reason }))
    : [recommended(kept, ended, classes), range(kept, ended)];
  return [first!, ...fastaiSuggestions(curve, iterations), last!];
}

function fastaiSuggestions({ lr, loss, average }: LrCurve, iterations: number): Suggestion[] {
  const points = keptPoints(lr, loss, average, iterations);
  const found = { valley: valley(points), steep: steep(points), minimum: minimum(points), slide: slide(points) };
  return Object.entries(found).map(([name, max_lr]) => {
    const method = name as Method;
    return max_lr === undefined
      ? { method, reason: `too few points for fastai: ${lr.length} of ${iterations}` }
      : { method, max_lr };
  });
}

/** How a curve ended; `early`: before its last update, as when the test was interrupted. */
interface Ended {
  diverged: boolean;
  early: boolean;
}

type Kept = Pick<LrCurve, 'lr' | 'loss' | 'val_acc'>;

/** Why our own methods cannot use a curve; undefined: they can. */
function unusable({ lr, loss }: Kept, classes: number): string | undefined {
  if (lr.length < minPoints) return `too few points, ${lr.length} after the first tenth: raise --iterations`;
  if (!lowest(loss).fell) return 'the loss never falls by more than its noise';
  return fallsToGuessing(loss, classes) && !fallsLate({ lr, loss }) ? nothingLearnt(classes) : undefined;
}

function fallsToGuessing(loss: readonly number[], classes: number): boolean {
  return Math.min(...runningMedian(loss)) > learnt * Math.log(classes);
}

/** Whether the loss falls fastest in the second half of the test, after LRs that changed nothing. */
function fallsLate(kept: Kept): boolean {
  return fastest(kept) > kept.lr.length / 2;
}

/**
 * Half way, on the log axis, between the LR where the loss falls fastest and the one where it stops falling: high
 * enough to learn at speed, with a margin below where it gets worse. Read off a curve without lag.
 */
function recommended(kept: Kept, ended: Ended, classes: number): Suggestion {
  const { lr, loss } = kept;
  const method = 'recommended';
  const [steepest, least] = [fastest(kept), lowest(loss).at];
  if (steepest < 0) return { method, reason: 'the loss falls nowhere' };
  if (least >= lr.length - 1 - halfWindow(lr.length) && !ended.diverged)
    return { method, reason: stillFalling('loss', lr, ended) };
  const [low, high] = [lr[steepest]!, lr[least]!];
  const max_lr = Math.sqrt(low * high);
  const why = `the geometric mean of ${digits(low)}, where the loss falls fastest, and ${digits(high)}, where it stops falling`;
  if (!fallsToGuessing(loss, classes)) return { method, max_lr, why };
  const caution = `the loss only falls to ${guessing(classes)}: raise --start to ${digits(low / 20, 1)} or --iterations`;
  return { method, max_lr, why, caution };
}

/** The point, up to the lowest loss, where the smooth curve falls fastest in log LR; -1: it never falls. */
function fastest({ lr, loss }: Kept): number {
  const logs = lr.map(Math.log);
  const curve = lossLine(lr, loss);
  const end = Math.min(lowest(loss).at, lr.length - 1);
  let [at, least] = [-1, 0];
  for (let i = 1; i < end; i++) {
    const slope = (curve[i + 1]! - curve[i - 1]!) / (logs[i + 1]! - logs[i - 1]!);
    if (slope < least) [at, least] = [i, slope];
  }
  return at;
}

/**
 * The bounds of a cycle in Smith's sense. max_lr: where the accuracy peaks, as in his figures (arXiv:1506.01186, sec.
 * 3.3: "slows, becomes ragged, or starts to fall"), or without validation where the training loss stops falling.
 * base_lr: a tenth of it (arXiv:1803.09820, sec. 5). Both are read off the running median over a tenth of the points,
 * which has no lag: the moving average's minimum comes some 20 updates late, by a factor of 4 in LR for 100 updates
 * over six decades.
 */
function range({ lr, loss, val_acc }: Kept, ended: Ended): Suggestion {
  const what = val_acc ? 'validation accuracy' : 'loss';
  const { at, fell } = lowest(val_acc ? val_acc.map((accuracy) => -accuracy) : loss);
  if (!fell)
    return { method: 'range', reason: `the ${what} never ${val_acc ? 'rises' : 'falls'} by more than its noise` };
  if (at >= lr.length - 1 - halfWindow(lr.length) && !ended.diverged)
    return { method: 'range', reason: stillFalling(what, lr, ended, val_acc ? 'rises' : 'falls') };
  return { method: 'range', max_lr: lr[at]!, base_lr: lr[at]! / 10 };
}

/**
 * Where the running median of noisy values is lowest (at the highest such LR), and whether they fall up to there: by
 * Mann and Kendall's test for a trend (Mann, Econometrica 13, 1945) at z = 3.5, which ignores the size of outliers, or
 * because that median is five standard errors below the first one, since most of a long test may be flat before the
 * fall.
 */
function lowest(values: readonly number[]): { at: number; fell: boolean } {
  const medians = runningMedian(values);
  const at = medians.lastIndexOf(Math.min(...medians)); // the end of a plateau
  const n = at + 1;
  let falling = 0; // pairs that fall, minus those that rise
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) falling += Math.sign(values[j]! - values[i]!);
  const trend = falling > 3.5 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const h = halfWindow(values.length);
  const drop = medians[Math.min(h, at)]! - medians[at]!;
  return { at, fell: trend || drop > 5 * noise(values) * Math.sqrt(2 / (2 * h + 1)) };
}

/** The standard deviation of single values, from the differences of neighbours; 1.25 for the median's efficiency. */
function noise(values: readonly number[]): number {
  const differences = values.slice(1).map((value, i) => Math.abs(value - values[i]!));
  return (1.25 * 1.4826 * median(differences)) / Math.SQRT2;
}

/** The median of each value and its neighbours, a tenth of all values; at the ends, of those that exist. */
export function runningMedian(values: readonly number[]): number[] {
  const h = halfWindow(values.length);
  return values.map((_, i) => median(values.slice(Math.max(0, i - h), i + h + 1)));
}

function halfWindow(points: number): number {
  return Math.max(1, Math.round(points / 20));
}

function stillFalling(what: string, lr: readonly number[], { early }: Ended, verb = 'falls'): string {
  const last = digits(lr.at(-1)!);
  if (early) return `the ${what} still ${verb} at an LR of ${last}, where the curve ends before its last update`;
  return `the ${what} still ${verb} at the last LR, ${last}: raise --end`;
}

function nothingLearnt(classes: number): string {
  return `the loss never gets 2 % below ${guessing(classes)}: lower --start, without --linear`;
}

function guessing(classes: number): string {
  return `that of guessing, ln ${classes} = ${Math.log(classes).toFixed(2)}`;
}

function digits(lr: number, precision = 2): string {
  return String(Number(lr.toPrecision(precision)));
}
