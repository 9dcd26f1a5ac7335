/**
 * Debiased exponential moving average: the n-th average, divided by 1 - beta^n so that the start is not pulled to 0
 * (Kingma and Ba, arXiv:1412.6980, sec. 3; the LR finders of fastai smooth this way with 0.98).
 * A value that is not finite leaves the average unchanged.
 */
export function smooth(values: readonly number[], beta = 0.98): number[] {
  return values.map(smoother(beta));
}

/** The same as a function that takes one value after the other. */
export function smoother(beta = 0.98): (value: number) => number {
  let [average, weight] = [0, 0];
  return (value) => {
    if (Number.isFinite(value)) {
      average = beta * average + (1 - beta) * value;
      weight = beta * weight + (1 - beta); // = 1 - beta^n
    }
    return average / weight;
  };
}
