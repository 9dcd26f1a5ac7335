import { expect, test } from 'vitest';
import { thin } from './thin.js';

const rows = Array.from({ length: 50_000 }, (_, x) => ({ x, y: Math.sin(x / 700), z: -x }));

test('thinning keeps the order, the first and last row and every spike, within the limit', () => {
  const spiky = rows.map((row) => ({ ...row, y: row.x === 12_345 ? 9 : row.x === 40_001 ? -9 : row.y }));
  const kept = thin(spiky, ['y', 'z']);
  expect(kept.length).toBeGreaterThan(1000);
  expect(kept.length).toBeLessThanOrEqual(2000);
  expect(kept.map((row) => row.x)).toEqual(kept.map((row) => row.x).sort((a, b) => a - b));
  expect([kept[0], kept.at(-1)]).toEqual([spiky[0], spiky.at(-1)]);
  expect(kept).toContainEqual(spiky[12_345]);
  expect(kept).toContainEqual(spiky[40_001]);
});

test('values that are not finite do not hide a spike next to them', () => {
  const broken = rows.map((row) => ({ ...row, y: row.x % 2 ? Number.NaN : row.x === 12_346 ? 9 : row.y }));
  expect(thin(broken, ['y'], 100)).toContainEqual(broken[12_346]);
});

test('few rows are returned unchanged', () => {
  expect(thin(rows.slice(0, 2000), ['y'])).toEqual(rows.slice(0, 2000));
  expect(thin([], ['y' as never])).toEqual([]);
});
