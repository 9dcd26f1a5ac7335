/**
 * The four suggestions of fastai 2 (fastai/callback/schedule.py), exactly: computed in float32, from the debiased
 * moving average (0.98), over the points that its `lr_find` keeps. Each is undefined where fastai fails for lack of
 * points.
 */

/** Rising LRs, and the moving average of the loss. */
interface Points {
  lr: readonly number[];
  loss: readonly number[];
}

/**
 * The points that lr_find(num_it) passes on: the curve without its first num_it / 10 and last 5 points, and without all
 * from the first NaN loss on. Where our curve stops at a NaN, fastai continues to num_it points.
 */
export function keptPoints(lr: readonly number[], loss: readonly number[], average: readonly number[], num_it: number) {
  const bad = loss.findIndex((value) => !Number.isFinite(value));
  const end = bad < 0 ? lr.length - 5 : Math.min(bad, num_it - 5);
  const part = (values: readonly number[]) => values.slice(Math.floor(num_it / 10), Math.max(0, end)).map(Math.fround);
  return { lr: part(lr), loss: part(average) };
}

/** The middle of the longest falling subsequence, whose start is fixed when its end first becomes the best. */
export function valley({ lr, loss }: Points): number | undefined {
  const lengths = loss.map(() => 1);
  let [start, end] = [0, 0];
  for (let i = 1; i < loss.length; i++)
    for (let j = 0; j < i; j++) {
      if (loss[i]! < loss[j]!) lengths[i] = Math.max(lengths[i]!, lengths[j]! + 1);
      if (lengths[i]! > lengths[end]!) [start, end] = [i - lengths[i]!, i];
    }
  const third = (end - start) / 3;
  return lr.at(start + Math.floor(third) + Math.floor(third / 2));
}

/** The LR where the loss falls fastest in log LR, from one point to the next. */
export function steep({ lr, loss }: Points): number | undefined {
  const logs = lr.map((value) => Math.fround(Math.log(value)));
  const slopes = loss.slice(1).map((value, i) => float(float(value - loss[i]!) / float(logs[i + 1]! - logs[i]!)));
  return lr[slopes.indexOf(Math.min(...slopes))];
}

/** A tenth of the LR with the least loss. */
export function minimum({ lr, loss }: Points): number | undefined {
  const at = loss.indexOf(Math.min(...loss));
  return at < 0 ? undefined : lr[at]! / 10;
}

/** From the end, two points 15 apart move left while the slopes of the loss (per index) differ by more than 0.005. */
export function slide({ lr, loss }: Points): number | undefined {
  const slopes = loss.map((_, i) => {
    const [before, after] = [Math.max(0, i - 1), Math.min(loss.length - 1, i + 1)];
    return float(float(loss[after]! - loss[before]!) / (after - before));
  });
  let right = loss.length - 1;
  let found = lr[right - 15];
  for (; right >= 15 && Math.abs(float(slopes[right]! - slopes[right - 15]!)) > 0.005; right--) found = lr[right - 15];
  return found;
}

const float = Math.fround;
