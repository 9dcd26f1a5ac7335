import { execFile } from 'node:child_process';
import { shipped } from '../../system/root.js';
import type { Found } from './search-process.js';

/** The result of a search for an adapter, and what dawn and the drivers wrote to stderr meanwhile, line by line. */
export type Search = Found & { messages: string[] };

/**
 * Searches in a separate process: dawn bypasses Node when it writes warnings to stderr, drivers may crash, and a GPU
 * that is not used takes no memory here.
 */
export function searchAdapter(
  command = [process.execPath, shipped('dist/backends/webgpu/search-process.js')],
): Promise<Search> {
  const [program, ...flags] = command;
  return new Promise((resolve) => {
    execFile(program!, flags, { timeout: 60_000 }, (error, stdout, stderr) => {
      const messages = stderr.split('\n').filter((line) => line.trim());
      const found = stdout.trim().split('\n').at(-1);
      if (!error && found) resolve({ ...(JSON.parse(found) as Found), messages });
      else
        resolve({
          reason: `the search for an adapter ended with ${error?.signal ?? `exit code ${error?.code}`}`,
          messages,
        });
    });
  });
}
