import { defineConfig } from 'vitest/config';

/** Kill tests, fuzzing at full count, peers: minutes each. */
export default defineConfig({
  test: { include: ['src/**/*.slow.test.ts'], testTimeout: 1_200_000, pool: 'forks', maxWorkers: 1 },
});
