import { execFile } from 'node:child_process';
import { shipped } from '../../system/root.js';
import type { Found } from './search-process.js';

/** What a look for an adapter came to, and what dawn and the drivers wrote on stderr meanwhile, line by line. */
export type Search = Found & { messages: string[] };

/**
 * Looks in a process of its own: dawn writes warnings past Node to stderr, drivers may crash, and what is not used needs no
 * memory here.
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
          reason: `looking for an adapter ended with ${error?.signal ?? `exit code ${error?.code}`}`,
          messages,
        });
    });
  });
}
