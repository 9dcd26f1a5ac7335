import { Command } from 'commander';
import type { Metric } from '../runs/scores.js';
import { baselineOption, comparisonsOf, metricOption, runsArgument, togetherOption } from './comparison.js';

interface Flags {
  metric?: Metric;
  baseline?: string;
  together?: boolean;
  out: string;
  title?: string;
}

/** `clr report`: prints the path of the page. */
export const reportCommand = new Command('report')
  .description('compare runs on one self-contained HTML page, to read, print or attach')
  .argument(...runsArgument)
  .option('--out <file.html>', 'where to write the page; an existing file is replaced', 'report.html')
  .option('--title <text>', 'heading of the page')
  .addOption(metricOption())
  .addOption(baselineOption())
  .addOption(togetherOption())
  .action(async (paths: string[], { out, title, ...options }: Flags) => {
    const { writeReport } = await import('../report/write-report.js');
    const { comparisons, skipped } = await comparisonsOf(paths, options);
    await writeReport(out, comparisons, skipped, title);
    process.stdout.write(`${out}\n`);
  });
