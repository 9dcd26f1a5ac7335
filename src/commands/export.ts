import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import type { Format, Unit } from '../compare/long-table.js';
import { ClrError } from '../errors.js';
import type { WeightFormat } from '../weights/export.js';
import { nameSkipped, runsArgument } from './comparison.js';
import { cacheOption, dataOption, runsOption } from './options.js';
import { listenForSignals } from './signals.js';

interface Flags {
  format?: Format;
  per: Unit;
  out?: string;
  weights?: WeightFormat;
  checkpoint?: string;
  data?: string;
  cache: string;
  runs: string;
}

/** `clr export`: the table on stdout, or the path of the file; with --weights the path of the weights. */
export const exportCommand = new Command('export')
  .description('export runs as one tidy table, for pandas, R or a spreadsheet; or the weights of one run')
  .argument(...runsArgument)
  .addOption(
    new Option('--format <format>', 'format of the table; default: that of the ending of --out, else csv').choices([
      'csv',
      'json',
    ]),
  )
  .addOption(
    new Option('--per <unit>', 'what a row stands for').choices(['epoch', 'iteration', 'run']).default('epoch'),
  )
  .option(
    '--out <file>',
    'write to this file instead of stdout (--weights: of weights.<ext> in the run folder); an existing file is replaced',
  )
  .addOption(
    new Option('--weights <format>', "export the run's weights instead of the table")
      .choices(['pytorch', 'onnx', 'safetensors'])
      .conflicts(['format', 'per']),
  )
  .addOption(
    new Option('--checkpoint <name>', 'with --weights: the checkpoint; default: last').choices([
      'last',
      'best',
      'previous',
    ]),
  )
  .addOption(dataOption())
  .addOption(cacheOption())
  .addOption(runsOption())
  .action(async (paths: string[], { format, per, out, weights, ...flags }: Flags, command: Command) => {
    if (weights) return exportWeightsOf(paths, { ...flags, out, weights });
    for (const name of ['checkpoint', 'data'])
      if (command.getOptionValueSource(name) === 'cli')
        throw new ClrError('usage', `--${name} needs --weights <format>`);
    const { longTable } = await import('../compare/long-table.js');
    const { readSomeRuns } = await import('../runs/read-runs.js');
    const { runs, skipped } = readSomeRuns(paths);
    skipped.forEach(nameSkipped);
    const pieces = longTable(runs, per, format ?? (out?.endsWith('.json') ? 'json' : 'csv'), nameSkipped);
    if (out === undefined)
      await pipeline(pieces, process.stdout, { end: false }); // no faster than stdout is read
    else {
      const { writeOutput } = await import('../system/atomic.js');
      writeOutput(out, pieces);
      process.stdout.write(`${out}\n`);
    }
  });

async function exportWeightsOf(
  paths: string[],
  { weights: format, checkpoint = 'last', out, data, cache: cacheDirectory, runs }: Omit<Flags, 'format' | 'per'>,
): Promise<void> {
  const [named] = paths;
  if (named === undefined || paths.length > 1 || !format) throw new ClrError('usage', '--weights takes one run');
  const { findRun } = await import('../training/resume.js');
  const { exportWeights, weightFormats } = await import('../weights/export.js');
  const run = findRun(named, runs);
  const file = out ?? path.join(run, `weights.${weightFormats[format]}`);
  const { signal } = listenForSignals('stopping');
  await exportWeights(run, file, { format, checkpoint, cacheDirectory, runs, data, signal });
  process.stdout.write(`${file}\n`);
}
