import path from 'node:path';
import { Command, Option } from 'commander';
import type { RunOverview } from '../runs/overview.js';
import { printable } from '../system/printable.js';
import { nameSkipped } from './comparison.js';
import { collect } from './options.js';

interface Flags {
  tag: string[];
  name?: string;
  status?: RunOverview['status'];
  json?: boolean;
}

/** `clr ls`: one line per run. */
export const lsCommand = new Command('ls')
  .description('list runs: name, status, score, age, and what differs between them')
  .argument('[path...]', 'run folders, sweep folders, or folders of either', ['runs'])
  .addOption(new Option('--tag <tag>', 'only runs with this tag; repeatable').argParser(collect).default([], 'any'))
  .option('--name <text>', 'only runs whose name contains this')
  .addOption(
    new Option('--status <status>', 'only runs with this status').choices([
      'running',
      'completed',
      'interrupted',
      'stopped',
      'diverged',
      'failed',
    ]),
  )
  .option('--json', 'print all settings of each run as JSON')
  .action(async (paths: string[], { tag, name, status, json }: Flags) => {
    const { listRuns } = await import('../runs/overview.js');
    const { runs, skipped } = listRuns(paths);
    const chosen = runs.filter(
      (run) =>
        tag.every((one) => run.tags.includes(one)) &&
        (name === undefined || run.name.includes(name)) &&
        (status === undefined || run.status === status),
    );
    skipped.forEach(nameSkipped);
    if (chosen.length === 0 && !json) process.stderr.write('no matching run; `clr run` creates one\n');
    else process.stdout.write(json ? `${JSON.stringify(chosen, null, 2)}\n` : await table(chosen));
  });

const longest = { run: 28, name: 24 }; // characters, on a terminal

async function table(runs: readonly RunOverview[]): Promise<string> {
  const { differingSettings } = await import('../compare/groups.js');
  const { fitTable } = await import('../terminal/table.js');
  const { age } = await import('../terminal/duration.js');
  const keys = differingSettings(runs);
  const width = process.stdout.columns || undefined; // undefined: not a terminal, or one that reports none
  const isLong = (text: string, max: number) => width !== undefined && text.length > max;
  const end = (text: string) => (isLong(text, longest.run) ? `…${text.slice(1 - longest.run)}` : text);
  const start = (text: string) => (isLong(text, longest.name) ? `${text.slice(0, longest.name - 1)}…` : text);
  const rows = runs.map((run) => [
    end(printable(shortest(run.directory))),
    run.status,
    run.val_acc === null ? '-' : run.val_acc.toFixed(2),
    String(run.epochs),
    age(run.changed),
    start(run.name),
    differences(run, keys),
  ]);
  return fitTable(['run', 'status', 'val acc', 'epochs', 'age', 'name', 'what differs'], rows, width);
}

/** Tags, the seed, and the settings that differ between runs. */
function differences({ tags, seed, settings }: RunOverview, keys: readonly string[]): string {
  const set = keys.filter((key) => settings[key] !== undefined).map((key) => `${key}=${settings[key]}`);
  return [...tags.map((tag) => `#${tag}`), `seed=${seed}`, ...set].join(' ');
}

/** `runs/7`, or the absolute path outside the working directory. */
function shortest(directory: string): string {
  const relative = path.relative('.', directory);
  return relative.startsWith('..') ? directory : relative;
}
