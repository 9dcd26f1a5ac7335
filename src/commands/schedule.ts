import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { ClrError } from '../errors.js';
import {
  addShorthands,
  type ConfigFlags,
  configFromFlags,
  overrideOption,
  positiveInteger,
  setOption,
} from './options.js';

interface Flags extends ConfigFlags {
  batches?: number;
  png?: string;
  lrScale?: 'linear' | 'log';
}

/** `clr schedule`: CSV on stdout, or a chart. */
export const scheduleCommand = new Command('schedule')
  .description("print a config's LR and momentum at each iteration, without training")
  .argument('<config>', 'JSON or YAML file, or the name of a config that comes with the program')
  .addOption(
    new Option('--batches <n>', "batches per epoch; default: from the config's dataset").argParser(positiveInteger),
  )
  .addOption(
    new Option('--png <file>', 'draw a chart instead of printing CSV; its vega-lite spec is written beside it'),
  )
  .addOption(new Option('--lr-scale <scale>', "the chart's LR axis; default: linear").choices(['linear', 'log']))
  .addOption(overrideOption())
  .addOption(setOption())
  .action(async (file: string, flags: Flags) => {
    if (flags.lrScale && flags.png === undefined) throw new ClrError('usage', '--lr-scale needs --png <file>');
    const config = await configFromFlags(file, flags);
    const { scheduleRows } = await import('../training/schedule-table.js');
    const rows = scheduleRows(config, flags.batches);
    if (flags.png === undefined) {
      const { stringify } = await import('csv-stringify');
      const table = stringify({ header: true, columns: ['iteration', 'epoch', 'lr', 'momentum'] });
      return pipeline(rows, table, process.stdout, { end: false }); // no faster than stdout is read
    }
    const { lrMomentum } = await import('../charts/lr-momentum.js');
    const { writeChartFile } = await import('../charts/render.js');
    const heading = { title: config.name, subtitle: `schedule ${config.schedule.type}` };
    await writeChartFile(flags.png, lrMomentum([...rows], heading, { lrScale: flags.lrScale }));
    process.stdout.write(`${flags.png}\n`);
  });
addShorthands(scheduleCommand, ['--epochs']);
