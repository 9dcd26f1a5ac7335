import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fuzz, fuzzTargets, leastShares } from '../fuzz-cases.js';

const directory = mkdtempSync(path.join(tmpdir(), 'clr-fuzz-'));
afterAll(() => rmSync(directory, { recursive: true }));

it.each(fuzzTargets)('200 random $name are read or refused with one error of the documented kinds', async (target) => {
  const { accepted, refused } = await fuzz(target, directory, 200);
  expect(accepted + refused).toBeGreaterThanOrEqual(200);
  expect(accepted / (accepted + refused)).toBeGreaterThan(leastShares.accepted);
  expect(refused / (accepted + refused)).toBeGreaterThan(leastShares.refused);
  expect(readdirSync(directory)).toEqual([]);
});
