import { Command, Option } from 'commander';
import { ClrError } from '../errors.js';
import { printable } from '../results/printable.js';

/** `clr plot`: prints the paths of the PNGs. */
export const plotCommand = new Command('plot')
  .description('draw all charts of a run again, from its files')
  .argument('<run...>', 'run folders, or folders of them')
  .addOption(new Option('--lr-scale <scale>', 'axis of the learning rate').choices(['linear', 'log']).default('linear'))
  .action(async (paths: string[], { lrScale }: { lrScale: 'linear' | 'log' }) => {
    const { findRuns } = await import('../results/find-runs.js');
    const { writeRunCharts } = await import('../charts/run-charts.js');
    const { directories, skipped } = findRuns(paths);
    const problems: Error[] = skipped.map(({ path, reason }) => new ClrError('data', `${path}: ${reason}`));
    for (const directory of directories) {
      try {
        process.stdout.write(`${(await writeRunCharts(directory, lrScale)).map(printable).join('\n')}\n`);
      } catch (error) {
        problems.push(error as Error);
      }
    }
    for (const { message } of problems.slice(0, -1)) process.stderr.write(`clr: ${printable(message)}\n`);
    if (problems.length > 0) throw problems.at(-1);
  });
