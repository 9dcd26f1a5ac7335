import fc from 'fast-check';

/** Seeds all that tests draw at random: CLR_TEST_SEED, which .config/vitest.ts draws and prints if it is not given. */
export const testSeed = Number(process.env.CLR_TEST_SEED);

fc.configureGlobal({ seed: testSeed });

export { fc };
