import { Command, Option } from 'commander';
import { ClrError } from '../errors.js';
import { printable } from '../system/printable.js';

type LrScale = 'linear' | 'log';

interface Flags {
  lrScale?: LrScale;
  out?: string;
  each?: boolean;
}

/** `clr plot`: prints the paths of the PNGs. */
export const plotCommand = new Command('plot')
  .description('redraw all charts of a run from its files, or overlay several runs in one chart')
  .argument('<run...>', 'run folders, or folders of them')
  .addOption(
    new Option('--lr-scale <scale>', 'LR axis; default: linear, or the scale of an LR range test').choices([
      'linear',
      'log',
    ]),
  )
  .option('--out <file>', 'file for the chart of several runs: .png, .svg or .pdf (default: "overlay.png")')
  .addOption(new Option('--each', 'with several runs: redraw the charts of each instead').conflicts('out'))
  .action(async (paths: string[], flags: Flags) => {
    const { lrScale, out = 'overlay.png', each } = flags;
    const { findRuns } = await import('../runs/find-runs.js');
    const { finderReason, isFinder } = await import('../runs/finder-columns.js');
    const { directories, skipped } = findRuns(paths);
    const trained = directories.filter((directory) => !isFinder(directory));
    const { nameSkipped } = await import('./comparison.js');
    const finders = directories.filter(isFinder).map((path) => ({ path, reason: finderReason }));
    if (trained.length > 1 && !each) {
      [...skipped, ...finders].forEach(nameSkipped);
      await (await import('../charts/overlay-runs.js')).writeOverlay(out, trained, lrScale);
      process.stdout.write(`${out}\n`);
      return;
    }
    if (flags.out !== undefined) {
      if (directories.length + skipped.length > 1) [...skipped, ...finders].forEach(nameSkipped);
      throw new ClrError('usage', '--out needs several runs');
    }
    const problems: Error[] = skipped.map(({ path, reason }) => new ClrError('data', `${path}: ${reason}`));
    for (const directory of directories) {
      try {
        process.stdout.write(`${(await writeCharts(directory, lrScale)).map((text) => printable(text)).join('\n')}\n`);
      } catch (error) {
        problems.push(error as Error);
      }
    }
    for (const { message } of problems.slice(0, -1)) process.stderr.write(`clr: ${printable(message)}\n`);
    if (problems.length > 0) throw problems.at(-1);
  });

/** Writes the charts of a run or of an LR range test. */
async function writeCharts(directory: string, lrScale: LrScale | undefined): Promise<string[]> {
  const { isFinder } = await import('../runs/finder-columns.js');
  if (isFinder(directory)) return (await import('../lr-finder/charts.js')).writeFinderCharts(directory, lrScale);
  return (await import('../charts/run-charts.js')).writeRunCharts(directory, lrScale);
}
