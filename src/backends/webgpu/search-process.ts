// Looks for the fastest adapter and prints what it finds; see search.ts.
import { describe, findAdapter } from './gpu.js';

/** The adapter, or why there is none. */
export type Found = { name: string; software: boolean } | { reason: string };

async function search(): Promise<Found> {
  try {
    return describe(await findAdapter());
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

process.stdout.write(`${JSON.stringify(await search())}\n`, () => process.exit()); // dawn's threads would keep running
