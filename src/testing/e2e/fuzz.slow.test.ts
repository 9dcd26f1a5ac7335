import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fuzz, fuzzTargets, minShares } from '../fuzz-cases.js';

const directory = mkdtempSync(path.join(tmpdir(), 'clr-fuzz-'));
afterAll(() => rmSync(directory, { recursive: true }));

it.each(fuzzTargets)('10,000 random $name: no crash, no hang, no undocumented exit code', async (target) => {
  const { accepted, refused, slowest } = await fuzz(target, directory, 10_000);
  console.log(`${target.name}: ${accepted} read, ${refused} refused, slowest ${slowest.toFixed(2)} s`);
  expect(accepted + refused).toBeGreaterThanOrEqual(10_000);
  expect(accepted / (accepted + refused)).toBeGreaterThan(minShares.accepted);
  expect(refused / (accepted + refused)).toBeGreaterThan(minShares.refused);
  expect(readdirSync(directory)).toEqual([]);
});
