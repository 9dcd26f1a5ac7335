import { Command, Option } from 'commander';

/** `clr plot`: prints the paths of the PNGs. */
export const plotCommand = new Command('plot')
  .description('draw all charts of a run again, from its files')
  .argument('<run...>', 'run folders')
  .addOption(new Option('--lr-scale <scale>', 'axis of the learning rate').choices(['linear', 'log']).default('linear'))
  .action(async (runs: string[], { lrScale }: { lrScale: 'linear' | 'log' }) => {
    const { writeRunCharts } = await import('../charts/run-charts.js');
    for (const run of runs) process.stdout.write(`${(await writeRunCharts(run, lrScale)).join('\n')}\n`);
  });
