import { Command } from 'commander';
import type { Metric } from '../runs/scores.js';
import { baselineOption, comparisonOf, metricOption, runsArgument } from './comparison.js';

interface Flags {
  metric: Metric;
  baseline?: string;
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
  .action(async (paths: string[], { out, title, ...options }: Flags) => {
    const { writeReport } = await import('../report/write-report.js');
    await writeReport(out, await comparisonOf(paths, options), title);
    process.stdout.write(`${out}\n`);
  });
