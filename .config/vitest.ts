import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { SkippedTests } from '../src/testing/skipped-tests.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const slow = 'src/**/*.slow.test.ts';
const globalSetup = 'src/testing/requirements.ts';

process.env.CLR_TEST_SEED ||= String(Date.now() % 1_000_000); // the workers inherit it
console.log(`random tests: CLR_TEST_SEED=${process.env.CLR_TEST_SEED} repeats them`);

/** `fast`: seconds each. `slow`: kill tests, fuzzing at full count, peers; minutes each. */
export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'fast', root, globalSetup, include: ['src/**/*.test.ts'], exclude: [slow], testTimeout: 30_000 },
      },
      { test: { name: 'slow', root, globalSetup, include: [slow], testTimeout: 1_200_000 } },
    ],
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', new SkippedTests()],
  },
});
