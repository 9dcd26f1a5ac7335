import { describe, expect, it } from 'vitest';
import { welch } from '../statistics/statistics.js';
import { compareDots } from './charts/dots.js';
import { againstPublished, publishedCells, publishedNote } from './published.js';
import type { Row } from './row.js';

const score = { mean: Number.NaN, std: Number.NaN };

function row(config: string, accuracies: number[], diverged = 0): Row {
  const runs = accuracies.map((val_acc, i) => ({ seed: i + 1, scores: { val_acc } }));
  const lost = Array.from({ length: diverged }, (_, i) => ({ seed: accuracies.length + i + 1, status: 'diverged' }));
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  return {
    config,
    n: accuracies.length,
    missing: diverged > 0 ? { diverged } : {},
    scores: { val_acc: { ...score, mean } },
    runs: [...runs, ...lost],
  } as unknown as Row;
}

const one = { alpha: 0.05, comparisons: 1 };
const theirs = [81.2, 81.3, 81.4, 81.3];
const published = { val_acc: 81.3, std: Math.sqrt(0.02 / 3), n: 4 };

describe('runs against a published accuracy', () => {
  it("have Welch's interval as if computed from the published runs themselves", () => {
    const ours = [80.1, 79.9, 80.3, 79.8];
    const { finding, verdict } = againstPublished(row('a', ours), published, one);
    const whole = welch(ours, theirs)!;
    expect(finding!.difference).toBeCloseTo(whole.difference, 10);
    expect(finding!.error).toBeCloseTo(whole.error, 10);
    expect(finding!.df).toBeCloseTo(whole.df, 10);
    expect(verdict).toBe('lower');
  });

  it.each([
    [[81.2, 81.3, 81.5], 'reproduced'],
    [[82.2, 82.3, 82.1], 'higher'],
    [[79, 81.3, 83], 'undecided'],
    [[81.3], 'undecided'],
  ])('%j: %s', (accuracies, verdict) => {
    expect(againstPublished(row('a', accuracies), published, one).verdict).toBe(verdict);
  });

  it('reproduce it within the margin asked for, and no nearer', () => {
    const ours = row('a', [81.1, 81.2, 81.5]);
    expect(againstPublished(ours, published, { ...one, margin: 1 }).verdict).toBe('reproduced');
    expect(againstPublished(ours, published, { ...one, margin: 0.1 }).verdict).toBe('undecided');
  });

  it('take a value without a deviation as exact, and have wider intervals for several configs', () => {
    const exact = againstPublished(row('a', [93.4, 93.6, 93.5]), { val_acc: 93.53 }, one).finding!;
    expect(exact.df).toBeCloseTo(2, 10);
    expect(exact.error).toBeCloseTo(0.1 / Math.sqrt(3), 10);
    const many = againstPublished(row('a', [93.4, 93.6, 93.5]), { val_acc: 93.53 }, { ...one, comparisons: 10 });
    expect(many.finding!.high - many.finding!.low).toBeGreaterThan(exact.high - exact.low);
  });

  it('are drawn with it as a diamond with its deviation, if asked', () => {
    const ours = row('a', [80, 80.5]);
    const rows = [{ ...ours, published: againstPublished(ours, { val_acc: 81.3, std: 0.5 }, one) }, row('b', [79])];
    const of = (withPublished: boolean) => JSON.stringify(compareDots(rows, 'val_acc', {}, withPublished));
    expect(of(true)).toContain('{"values":[{"config":"a","value":81.3,"low":80.8,"high":81.8}]}');
    expect(of(false)).not.toContain('81.3');
  });

  it('reproduce a reported divergence if every run diverges', () => {
    expect(againstPublished(row('a', [], 3), { diverges: true }, one).verdict).toBe('diverges');
    expect(againstPublished(row('a', [50], 2), { diverges: true }, one).verdict).toBe('does not diverge');
    const pending = { ...row('a', [], 1), missing: { pending: 1 } };
    expect(againstPublished(pending, { diverges: true }, one).verdict).toBe('undecided');
  });

  it('have a table of only the rows with a report, with a note on how it judges', () => {
    const reported = row('a', [80.1, 79.9]);
    const rows = [{ ...reported, published: againstPublished(reported, published, one) }, row('b', [1, 2])];
    const { head, body } = publishedCells({ rows, alpha: 0.05 });
    expect(head[5]).toBe('95 % interval');
    expect(body).toEqual([['a', '2', '80.00', '81.3 ± 0.1', '-1.30', expect.stringMatching(/^\[-/), 'lower']]);
    expect(() => publishedCells({ rows: [row('b', [1, 2])], alpha: 0.05 })).toThrow(/no config says/);
    expect(publishedNote({ rows, alpha: 0.05 })).toMatch(
      /number of runs; reproduced: .* within ±1, the default margin/,
    );
    expect(publishedNote({ rows, alpha: 0.05, margin: 0.5 })).toMatch(/ within ±0\.5$/);
  });
});
