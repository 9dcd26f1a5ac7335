import { expect, it } from 'vitest';
import { randomStream } from '../random.js';
import { askPython } from '../testing/python.js';
import { improvement } from './improvement.js';
import { interval, pairedT, pValue, welch } from './statistics.js';
import { fixedFinding, verdictOf } from './verdict.js';

interface Answer {
  welch: [p: number, low: number, high: number];
  tost: number;
  paired: [p: number, low: number, high: number] | null;
  wins: number;
}

const random = randomStream(3, 'simulation');
const cases = [2, 3, 5, 10, 20].flatMap((n) =>
  [n, n + 3].map((m, i) => ({
    a: Array.from({ length: n }, () => 92 + 0.3 * random.normal()),
    b: Array.from({ length: m }, () => 92.1 + (i + 0.2) * random.normal()),
    level: 0.05 / (1 + i),
    difference: 1.5,
  })),
);

it('agrees with SciPy and statsmodels to 1e-6: Welch, paired, equivalence, wins', () => {
  const answers = askPython<Answer[]>('scripts/peer-statistics.py', ['scipy', 'statsmodels'], cases);
  answers?.forEach((answer, i) => {
    const { a, b, level, difference } = cases[i]!;
    const found = welch(a, b)!;
    const near = (values: number[], expected: number[]) =>
      values.forEach((value, k) => {
        expect(value).toBeCloseTo(expected[k]!, 6);
      });
    const { low, high } = interval(found, level);
    near([pValue(found), low, high], answer.welch);
    if (answer.paired) {
      const pairs = pairedT(a, b)!;
      const { low, high } = interval(pairs, level);
      near([pValue(pairs), low, high], answer.paired);
    }
    // TOST rejects at half the level exactly where the interval lies within plus or minus the difference
    const p = 2 * Math.max(...[-difference, difference].map((edge) => oneSided(found, edge)));
    near([p / 2], [answer.tost]);
    const within = low > -difference && high < difference;
    expect(answer.tost < level / 2).toBe(within);
    const verdict = verdictOf(fixedFinding(found, level, 1), 'high', difference);
    if (verdict === 'equivalent') expect(answer.tost).toBeLessThan(level / 2);
    near([improvement(a, b, 'high', 0.05)!.probability], [answer.wins]);
  });
}, 120_000);

/** One-sided p of the test that the difference lies beyond an edge. */
function oneSided(found: NonNullable<ReturnType<typeof welch>>, edge: number): number {
  const toTheEdge = { ...found, difference: found.difference - edge };
  const inside = edge < 0 ? toTheEdge.difference > 0 : toTheEdge.difference < 0;
  return inside ? pValue(toTheEdge) / 2 : 1 - pValue(toTheEdge) / 2;
}
