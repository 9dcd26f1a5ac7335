import { gaussLegendre } from './quadrature.js';
import { criticalT } from './student-t.js';

const step = gaussLegendre(40);
const tail = gaussLegendre(12);
const cells = 200; // of the table over half the range of angles

/**
 * The p-value below which the t-test rejects at each look, such that the error over all looks together is `alpha`,
 * spent in proportion to the observations (Lan and DeMets 1983, Biometrika 70). `looks`: observations at each,
 * ascending, from 2; only the `first` levels are computed. Exact for the repeated one-sample t-test with unknown
 * variance (as Jennison and Turnbull 1991, Biometrika 78).
 *
 * With n observations the sample's direction in R^n makes the angle psi with the hyperplane of mean 0:
 * t = sqrt(n - 1) tan psi. Under the null hypothesis the direction is uniform, so psi is a Markov chain whose backward
 * steps do not depend on the unknown variance; the recursion carries P(no look has rejected | psi).
 */
export function sequentialLevels(looks: readonly number[], alpha: number, first = looks.length): number[] {
  const last = looks.at(-1)!;
  const levels: number[] = [];
  let survival: Survival = () => 1;
  let n = looks[0]!;
  let spent = 0;
  for (const look of looks.slice(0, first)) {
    for (; n < look; n++) survival = tabulate(forward(survival, n), n + 1);
    const target = (alpha * look) / last;
    const level = exitLevel(survival, n, target - spent);
    levels.push(level);
    spent = target;
    survival = within(survival, angle(level, n));
  }
  return levels;
}

/** P(no look has rejected yet | the angle is psi); beyond `limit` it is 0, and it is not smooth there. */
interface Survival {
  (psi: number): number;
  limit?: number;
}

/** The angle of the t with this two-sided p-value and n observations. */
function angle(level: number, n: number): number {
  return Math.atan(criticalT(level, n - 1) / Math.sqrt(n - 1));
}

function within(survival: Survival, limit: number): Survival {
  return Object.assign((psi: number) => survival(psi), { limit });
}

/**
 * The survival with one observation more than n. Given the new angle, what is free of the old direction is an angle phi
 * with density cos^(n-2): tan psi = (sqrt(n / (n + 1)) tan psi' + sin phi / sqrt(n + 1)) / cos phi.
 */
function forward(survival: Survival, n: number): (psi: number) => number {
  const reach = Math.min(Math.PI / 2, 9 / Math.sqrt(n)); // beyond, the density is negligible
  const total = integrate(-reach, reach, (phi) => Math.cos(phi) ** (n - 2));
  const side = 1 / Math.sqrt(n + 1);
  return (psi) => {
    const along = Math.sqrt(n / (n + 1)) * Math.tan(psi);
    const [low, high] = survival.limit === undefined ? [-reach, reach] : inside(along, side, survival.limit, reach);
    if (low >= high) return 0;
    const density = (phi: number) =>
      Math.cos(phi) ** (n - 2) * survival(Math.atan2(along + side * Math.sin(phi), Math.cos(phi)));
    return integrate(low, high, density) / total;
  };
}

/** The phi with |along + side sin phi| <= tan(limit) cos phi: an interval. */
function inside(along: number, side: number, limit: number, reach: number): [number, number] {
  const slope = Math.tan(limit);
  const [length, turn] = [Math.hypot(slope, side), Math.atan2(side, slope)];
  const [upper, lower] = [along, -along].map((x) => Math.acos(Math.max(-1, Math.min(1, x / length)))) as [
    number,
    number,
  ];
  return [Math.max(-turn - upper, turn - lower, -reach), Math.min(-turn + upper, turn + lower, reach)];
}

function integrate(low: number, high: number, f: (x: number) => number): number {
  const [middle, half] = [(low + high) / 2, (high - low) / 2];
  return half * step.nodes.reduce((sum, node, i) => sum + step.weights[i]! * f(middle + half * node), 0);
}

/** Tabulates the function for cubic interpolation; it is even, and constant beyond the last t of any weight. */
function tabulate(survival: (psi: number) => number, n: number): Survival {
  const end = Math.min(Math.PI / 2 - 1e-9, angle(1e-11, n));
  const width = end / cells;
  const table = Float64Array.from({ length: cells + 2 }, (_, i) => survival(Math.min(end, i * width)));
  return (psi) => {
    const at = Math.min(cells - 1e-9, Math.abs(psi) / width);
    const i = Math.floor(at);
    const x = at - i;
    const [a, b, c, d] = [table[Math.abs(i - 1)]!, table[i]!, table[i + 1]!, table[i + 2]!];
    return b + (x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)))) / 2;
  };
}

/** The p-value below which this look must reject so that `amount` of the error is spent at it. */
function exitLevel(survival: Survival, n: number, amount: number): number {
  let level = amount;
  for (let i = 0; i < 60; i++) {
    const change = (amount - exit(survival, n, level)) / Math.max(1e-3, survival(angle(level, n)));
    level = Math.min(1, Math.max(level / 2, level + change));
    if (Math.abs(change) < 1e-12 * level) break;
  }
  return level;
}

/** P(no look has rejected before, and the p-value is below `level` now). */
function exit(survival: Survival, n: number, level: number): number {
  return tail.nodes.reduce((sum, node, i) => {
    const u = (1 + node) / 2; // p = level u², since the survival changes fastest near p = 0
    return sum + tail.weights[i]! * u * level * survival(angle(level * u * u, n));
  }, 0);
}
