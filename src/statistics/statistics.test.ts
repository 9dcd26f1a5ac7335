import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  correlation,
  halfInterval,
  interval,
  mean,
  pairedT,
  power,
  pValue,
  sampleSize,
  standardDeviation,
  welch,
} from './statistics.js';
import { criticalT, twoSidedP } from './student-t.js';

// Reference values: R 4.2.2, printed with options(digits = 13), by the command above each table; those of t.test and
// power.t.test were reproduced with scipy 1.10.1 (ttest_ind(equal_var=False), ttest_rel, nct) to 1e-9 or better.
const a = [92.31, 92.55, 92.12, 92.4, 92.18];
const b = [92.2, 92.45, 91.95, 92.32, 92.05];
const c = [93.1, 93.4, 92.9];
const d = [91.7, 92.9, 92.2, 90.8, 92.5, 91.9];
const digits = 8; // within 5e-9

function agree(found: ReturnType<typeof welch>, expected: number[]): void {
  const { difference, error, df } = found!;
  const { low, high } = interval(found!, 0.05);
  [difference, low, high, df, difference / error, pValue(found!)].forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, digits);
  });
}

describe('Student t, within 1e-12 of scipy 1.17.1', () => {
  it.each([
    [0.05, 1, 12.706204736174705], // t.isf(alpha / 2, df); R's qt agrees
    [0.05, 3.7, 2.8675207071911903],
    [0.01, 7.123, 3.478993229656568],
    [0.05, 100, 1.983971518523552],
    [0.05, 1e5, 1.9599877075346099],
    [1e-10, 5, 180.14910084827105],
  ])('leaves alpha %d outside its critical value at %d degrees of freedom', (alpha, df, t) => {
    expect(criticalT(alpha, df) / t).toBeCloseTo(1, 12);
  });

  it.each([
    [0.001, 9, 0.99922393032597334], // 2 * t.sf(t, df)
    [0.3, 1, 0.81445284184451539],
    [2.5, 3.7, 0.07182202291182678],
    [12, 6, 2.0307406195373192e-5],
    [40, 30, 1.3726045194406417e-27],
    [60, 100, 3.1376143191413872e-80],
    [200, 1, 0.0031830723364119386],
    [2, 1e6, 0.04550053385131924],
  ])('gives p for t = %d at %d degrees of freedom', (t, df, p) => {
    expect(twoSidedP(t, df) / p).toBeCloseTo(1, 12);
    expect(twoSidedP(-t, df)).toBe(twoSidedP(t, df));
  });
});

describe('tests of a difference', () => {
  it('Welch agrees with R: t.test(a, b), t.test(c, d), t.test(a, c(92.31, 92.55))', () => {
    agree(welch(a, b), [0.118, -0.156168749201, 0.392168749201, 7.815852900031, 0.9965704385978, 0.348821479805]);
    agree(
      welch(c, d),
      [1.13333333333334, 0.34560260927153, 1.92106405739515, 6.719896754628, 3.431019395702, 0.01168725660151],
    );
    agree(
      welch(a, [92.31, 92.55]),
      [-0.118, -0.7591536541744, 0.5231536541744, 1.912775941132, -0.827504944972, 0.4983724801086],
    );
  });

  it('the paired test agrees with R: t.test(a, b, paired = TRUE), t.test(c, d[1:3], paired = TRUE)', () => {
    agree(pairedT(a, b), [0.118, 0.075528556690537, 0.16047144330947, 4, 7.713901315436, 0.001520196060894]);
    agree(
      pairedT(c, d.slice(0, 3)),
      [0.8666666666667, -0.3072910149286, 2.040624348262, 2, 3.176405553264, 0.0864531203958],
    );
  });

  it('mean, standard deviation and the half width of the interval agree with R: sd(d), qt(.975, 5) * sd(d) / sqrt(6)', () => {
    expect(mean(d)).toBeCloseTo(92, 12);
    expect(standardDeviation(d)).toBeCloseTo(0.7266360849834, 12);
    expect(halfInterval(d)).toBeCloseTo(0.7625578048161, 10);
  });

  it('nothing is estimated from one run, nor from runs that are all the same', () => {
    expect(welch([92], b)).toBeUndefined();
    expect(pairedT([92], [91])).toBeUndefined();
    expect(welch([92, 92], [91, 91])).toBeUndefined();
    expect(pairedT([92.1, 92.4], [92, 92.3])).toBeUndefined();
    expect([standardDeviation([92]), halfInterval([92])]).toEqual([Number.NaN, Number.NaN]);
    expect(() => pairedT([1, 2], [1])).toThrow('2 values cannot be paired with 1');
  });

  it('nothing is estimated from runs that differ by rounding only, however many; the least true difference is', () => {
    const score = fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100);
    const count = fc.integer({ min: 2, max: 40 });
    fc.assert(
      fc.property(score, score, count, count, (x, y, n, m) => {
        expect(welch(Array(n).fill(x), Array(m).fill(x))).toBeUndefined();
        expect(welch(Array(n).fill(x), Array(m).fill(y))).toBeUndefined();
        const { difference, df } = welch([x, x + 1e-6], [y, y + 1e-6])!;
        expect([difference, df]).toEqual([expect.closeTo(x - y, 9), expect.closeTo(2, 3)]);
      }),
    );
    fc.assert(
      fc.property(fc.array(score, { minLength: 2, maxLength: 40 }), score, (values, shift) => {
        const shifted = values.map((value) => value - shift);
        expect(pairedT(values, shifted)).toBeUndefined();
        shifted[0]! += 1e-6;
        expect(pairedT(values, shifted)!.error).toBeCloseTo(1e-6 / values.length, 9);
      }),
    );
  });

  it('the correlation agrees with R: cor(a, b)', () => {
    expect(correlation(a, b)).toBeCloseTo(0.995102091424699, 12);
    expect(correlation([1, 2], [2, 1])).toBeNaN();
    expect(correlation([1, 2, 3], [5, 5, 5])).toBeNaN();
  });
});

describe('how many seeds', () => {
  it.each([
    [2, 0.6, 0.2, 'welch', 0.3874001285262], // power.t.test(n, delta, sd, type = "two.sample", strict = TRUE)
    [3, 0.6, 0.2, 'welch', 0.7825543870585],
    [5, 0.1, 0.2, 'welch', 0.1076859897982],
    [28, 0.15, 0.2, 'welch', 0.7870008662546],
    [500, 0.03, 0.2, 'welch', 0.6589069613674],
    [2, 0.5, 0.2, 'paired', 0.2185293914697], // type = "paired"
    [16, 0.15, 0.2, 'paired', 0.800556427286],
  ] as const)(
    '%d per arm find a difference of %d at a std of %d (%s) with the power that R gives',
    (n, difference, std, test, expected) => {
      expect(power(n, difference, std, test)).toBeCloseTo(expected, digits);
    },
  );

  it.each([
    [0.15, 0.2, 'welch', 28.899550305525], // power.t.test(power = .8, delta, sd, strict = TRUE)$n
    [0.6, 0.2, 'welch', 3.070009525445],
    [0.1, 0.195, 'welch', 60.666053156786],
    [0.01, 0.2, 'welch', 6280.048916490984],
    [1, 0.2, 'welch', 2.117245245967],
    [0.15, 0.2, 'paired', 15.980226263697],
    [-0.1, 0.2, 'paired', 33.367129103907],
  ] as const)("to see %d at a std of %d (%s) takes R's number, rounded up", (difference, std, test, n) => {
    expect(sampleSize(difference, std, test)).toBe(Math.ceil(n));
  });

  it.each([1e-4, 1e-8, 1e-12])(
    'to see %d at a std of 1 takes 15.69776 / difference², as for the normal',
    (difference) => {
      const n = sampleSize(difference, 1); // 2 (1.959964 + 0.841621)²
      expect((n * difference ** 2) / 15.69776).toBeCloseTo(1, 6);
      expect(power(n, difference, 1)).toBeCloseTo(0.8, 5);
    },
  );
});
