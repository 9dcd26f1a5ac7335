import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import type { Format, Unit } from '../compare/long-table.js';
import { nameSkipped, runsArgument } from './comparison.js';

interface Flags {
  format: Format;
  per: Unit;
  out?: string;
}

/** `clr export`: the table on stdout, or the path of the file. */
export const exportCommand = new Command('export')
  .description('export runs as one tidy table, for pandas, R or a spreadsheet')
  .argument(...runsArgument)
  .addOption(new Option('--format <format>', 'format of the table').choices(['csv', 'json']).default('csv'))
  .addOption(new Option('--per <unit>', 'what each row is').choices(['epoch', 'iteration', 'run']).default('epoch'))
  .option('--out <file>', 'write to this file instead of stdout; an existing file is replaced')
  .action(async (paths: string[], { format, per, out }: Flags) => {
    const { longTable } = await import('../compare/long-table.js');
    const { readSomeRuns } = await import('../runs/read-runs.js');
    const { runs, skipped } = readSomeRuns(paths);
    skipped.forEach(nameSkipped);
    const pieces = longTable(runs, per, format, nameSkipped);
    if (out === undefined)
      await pipeline(pieces, process.stdout, { end: false }); // no faster than it is read
    else {
      const { writeOutput } = await import('../system/atomic.js');
      writeOutput(out, pieces);
      process.stdout.write(`${out}\n`);
    }
  });
