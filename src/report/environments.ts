import { z } from 'zod';
import type { Row } from '../compare/row.js';
import type { Skipped } from '../runs/find-runs.js';
import { readJsonAs } from '../runs/read-run.js';
import { printable } from '../system/printable.js';

const machine = z.object({
  backend: z.string(),
  device: z.string(),
  precision: z.string(),
  threads: z.number(),
  node: z.string(),
  clr: z.string(),
  packages: z.record(z.string(), z.string().nullable()),
  git: z.object({ commit: z.string(), dirty: z.boolean() }).nullable(),
});
type Machine = z.output<typeof machine>;

/** environment.json: the machine on which a run began, and those on which it was resumed. */
const environmentSchema = machine.extend({
  resumed: z.array(machine.extend({ iteration: z.number() })).default([]),
});

export const environmentColumns = ['seeds', 'backend', 'device', 'precision', 'threads', 'versions', 'commit'];

/** The environments of an arm's runs: a line for each different one, with its seeds; `unread`: files not readable. */
export function environmentsOf({ runs }: Row): { lines: string[][]; unread: Skipped[] } {
  const seeds = new Map<string, string[]>();
  const unread: Skipped[] = [];
  const note = (seed: string, found: Machine) => {
    const key = JSON.stringify(cells(found));
    const known = seeds.get(key) ?? [];
    if (!known.some((text) => text === seed || seed.startsWith(`${text} `))) seeds.set(key, [...known, seed]);
  };
  for (const { directory, seed } of runs) {
    try {
      const { resumed, ...first } = readJsonAs(environmentSchema, directory, 'environment.json');
      note(String(seed), first);
      for (const { iteration, ...later } of resumed) note(`${seed} from iteration ${iteration}`, later);
    } catch (error) {
      unread.push({ path: printable(directory), reason: printable((error as Error).message) });
    }
  }
  return { lines: [...seeds].map(([key, of]) => [of.join(', '), ...(JSON.parse(key) as string[])]), unread };
}

function cells({ backend, device, precision, threads, node, clr, packages, git }: Machine): string[] {
  const versions = Object.entries({ clr, 'Node.js': node, ...packages }).map(
    ([name, version]) => `${name} ${version ?? 'unknown'}`,
  );
  const commit = git ? `${git.commit.slice(0, 12)}${git.dirty ? ', with uncommitted changes' : ''}` : 'unknown';
  return [backend, device, precision, String(threads), versions.join(', '), commit];
}
