import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { writeManifest } from '../sweep/manifest.js';
import { readSweep } from '../sweep/plan.js';
import { writeRunFolder } from '../testing/run-files.js';
import { sweep } from './sweep.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-dry-run-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const base = {
  epochs: 2,
  backend: 'wasm',
  dataset: { type: 'synthetic', train_size: 20, val_size: 10 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'constant', lr: 0.1 },
};
writeFileSync(path.join(root, 'base.json'), JSON.stringify(base));

/** What a dry run prints of a sweep whose four runs are done: two seeds of the arms a and b, with these accuracies. */
async function dryRun(name: string, keys: object, accuracies: [number, number, number, number]): Promise<string> {
  const file = path.join(root, `${name}.json`);
  const decide = { difference: 1, max_seeds: 2, ...('std' in keys && { std: keys.std }) };
  const { std: _, ...rest } = keys as { std?: number };
  writeFileSync(file, JSON.stringify({ name, base: 'base.json', arms: { a: {}, b: {} }, decide, ...rest }));
  const plan = readSweep(file, { until: 'decided' });
  const out = path.join(root, name);
  const runs = ['a', 'b'].flatMap((arm, i) =>
    [1, 2].map((seed, k) => {
      const directory = `${arm}/seed-${seed}`;
      writeRunFolder(path.join(out, directory), { ...base, name: arm, seed }, accuracies[2 * i + k]!);
      return { arm, seed, directory, status: 'completed' as const };
    }),
  );
  writeManifest(out, plan, { runs, others: [], rungs: [] });
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await sweep(plan, { cache: root, runs: root, jobs: 1, out, dryRun: true });
  return write.mock.calls.map(([text]) => text).join('');
}

it('plans with the spread between the seeds so far', async () => {
  const text = await dryRun('unpaired', {}, [90, 92, 80, 81]);
  expect(text).toContain('\nstandard deviation between seeds 1.12\nuntil decided: '); // sqrt((2 + 0.5) / 2)
  expect(text).toMatch(/at most 4 runs in .*, 4 done\n$/);
});

it('does not plan a paired sweep with that, but asks for the spread of the differences', async () => {
  const text = await dryRun('paired', { paired: true }, [90, 92, 80, 81]);
  expect(text).toContain('\nno standard deviation of the differences to plan with: set decide.std\nat most 4 runs');
  const given = await dryRun('paired-std', { paired: true, std: 0.4 }, [90, 92, 80, 81]);
  expect(given).toContain('\nstandard deviation of the differences 0.4\nuntil decided: ');
});

it('says what to do if the seeds so far have the same score', async () => {
  const text = await dryRun('same', {}, [90, 90, 80, 80]);
  expect(text).toContain('\nno standard deviation between seeds to plan with: set decide.std, or run the next block\n');
});
