import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const slow = 'src/**/*.slow.test.ts';

/** `fast`: seconds each. `slow`: kill tests, fuzzing at full count, peers; minutes each. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', root, include: ['src/**/*.test.ts'], exclude: [slow], testTimeout: 30_000 } },
      { test: { name: 'slow', root, include: [slow], testTimeout: 1_200_000 } },
    ],
    pool: 'forks',
    maxWorkers: 2,
  },
});
