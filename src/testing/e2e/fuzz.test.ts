import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fuzz, fuzzTargets, minShares } from '../fuzz-cases.js';

const directory = mkdtempSync(path.join(tmpdir(), 'clr-fuzz-'));
const cases = 200;
const noise = 4 * Math.sqrt(0.25 / cases); // at most four standard deviations of a share of so few cases
afterAll(() => rmSync(directory, { recursive: true }));

it.each(fuzzTargets)('random $name are read or refused with one error of the documented kinds', async (target) => {
  const { accepted, refused } = await fuzz(target, directory, cases);
  expect(accepted + refused).toBeGreaterThanOrEqual(cases);
  expect(accepted / (accepted + refused)).toBeGreaterThan(minShares.accepted - noise);
  expect(refused / (accepted + refused)).toBeGreaterThan(minShares.refused - noise);
  expect(readdirSync(directory)).toEqual([]);
});
