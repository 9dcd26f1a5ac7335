import { Command, Option } from 'commander';
import type { Metric } from '../runs/scores.js';
import { baselineOption, comparisonOf, metricOption, runsArgument } from './comparison.js';
import { positiveNumber } from './options.js';

interface Flags {
  metric: Metric;
  baseline?: string;
  sort?: string;
  filter: string[];
  difference?: number;
  json?: boolean;
  csv?: boolean;
  markdown?: boolean;
  chart?: string;
}

/** `clr compare`: the table and the sentences on stdout, what was left out on stderr. */
export const compareCommand = new Command('compare')
  .description('compare runs: mean ± std over seeds, differences with confidence intervals')
  .argument(...runsArgument)
  .addOption(metricOption())
  .addOption(baselineOption())
  .addOption(new Option('--sort <column>', 'a metric (best first), config, n, diverged or a setting'))
  .addOption(
    new Option('--filter <key=value>', 'keep the runs with this setting, name or seed; repeatable')
      .argParser((value: string, earlier: string[]) => [...earlier, value])
      .default([], 'none'),
  )
  .addOption(
    new Option('--difference <d>', 'the smallest difference of interest, for the number of seeds needed').argParser(
      positiveNumber,
    ),
  )
  .addOption(new Option('--json', 'print everything as JSON').conflicts(['csv', 'markdown']))
  .addOption(new Option('--csv', 'print CSV, one line per config').conflicts('markdown'))
  .addOption(new Option('--markdown', 'print a Markdown table and list'))
  .addOption(new Option('--chart <file.png>', 'draw the runs, means with intervals, and curves over epochs'))
  .action(async (paths: string[], { json, csv, markdown, chart, ...options }: Flags) => {
    const { toCsv, toJson, toMarkdown, toText } = await import('../compare/print.js');
    const comparison = await comparisonOf(paths, options);
    const print = json ? toJson : csv ? toCsv : markdown ? toMarkdown : toText;
    process.stdout.write(print(comparison));
    if (chart === undefined) return;
    const { compareChart } = await import('../compare/charts/charts.js');
    const { writePng } = await import('../charts/render.js');
    const { readCurves } = await import('../compare/read-curves.js');
    const curves = readCurves(comparison, ({ path, reason }) => {
      process.stderr.write(`no curve of ${path}: ${reason}\n`);
    });
    await writePng(chart, compareChart(comparison, curves));
    process.stderr.write(`chart ${chart}\n`);
  });
