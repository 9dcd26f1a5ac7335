import { defineConfig } from 'vitest/config';

/** The fast tests; those of `*.slow.test.ts` run with `npm run test:slow`. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    exclude: ['src/**/*.slow.test.ts'],
    testTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
