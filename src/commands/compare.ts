import { Command, Option } from 'commander';
import type { CurveAxis } from '../compare/charts/curves.js';
import type { Comparison } from '../compare/comparison.js';
import { ClrError } from '../errors.js';
import type { Metric } from '../runs/scores.js';
import { baselineOption, comparisonsOf, metricOption, runsArgument, togetherOption } from './comparison.js';
import { alpha, collect, positiveNumber } from './options.js';

interface Flags {
  metric?: Metric;
  baseline?: string;
  sort?: string;
  filter: string[];
  difference?: number;
  alpha?: number;
  paired?: boolean;
  together?: boolean;
  columns?: string[];
  settings?: boolean;
  published?: boolean;
  json?: boolean;
  csv?: boolean;
  markdown?: boolean;
  latex?: boolean;
  chart?: string;
  chartX?: CurveAxis;
}

/** `clr compare`: tables and sentences on stdout, runs left out on stderr. */
export const compareCommand = new Command('compare')
  .description('compare runs: mean ± std over seeds, differences with confidence intervals, verdicts')
  .argument(...runsArgument)
  .addOption(metricOption())
  .addOption(baselineOption())
  .addOption(new Option('--sort <column>', 'order of the rows: a metric (best first), config, n or a setting'))
  .addOption(
    new Option('--filter <key=value>', 'keep the runs with this setting, name or seed; repeatable')
      .argParser(collect)
      .default([], 'none'),
  )
  .addOption(
    new Option('--difference <d>', 'the smallest difference that matters: within it, arms are equivalent').argParser(
      positiveNumber,
    ),
  )
  .addOption(
    new Option(
      '--alpha <a>',
      "chance of any wrong verdict; default: the one in the sweep's question, else 0.05",
    ).argParser(alpha),
  )
  .addOption(new Option('--paired', 'compare arms seed by seed; use only if planned before the runs'))
  .addOption(togetherOption())
  .addOption(
    new Option('--columns <list>', 'additional columns: metrics and settings, e.g. val_loss,schedule.max_lr').argParser(
      (text: string) => text.split(','),
    ),
  )
  .addOption(new Option('--settings', 'add a column for each setting that differs'))
  .addOption(
    new Option(
      '--published',
      'compare each config with its published accuracy instead of the baseline; margin: 1 point, or --difference',
    ).conflicts(['metric', 'columns', 'settings']),
  )
  .addOption(new Option('--json', 'print everything as JSON').conflicts(['csv', 'markdown', 'latex']))
  .addOption(new Option('--csv', 'print CSV, one line per config').conflicts(['markdown', 'latex']))
  .addOption(new Option('--markdown', 'print Markdown tables and lists').conflicts('latex'))
  .addOption(new Option('--latex', 'print LaTeX tables with booktabs rules'))
  .addOption(new Option('--chart <file>', 'draw runs, means and curves: a .png, .svg or .pdf file for each table'))
  .addOption(new Option('--chart-x <axis>', "x axis of the chart's curves; default: epoch").choices(['epoch', 'lr']))
  .action(async (paths: string[], flags: Flags) => {
    if (flags.chartX && !flags.chart) throw new ClrError('usage', '--chart-x needs --chart <file>');
    const { json, csv, markdown, latex, chart, chartX: over, columns, settings, published, ...options } = flags;
    const { toCsv, toJson, toLatex, toMarkdown, toText } = await import('../compare/print.js');
    const { comparisons } = await comparisonsOf(paths, options);
    const { checkColumns } = await import('../compare/cells.js');
    checkColumns(columns ?? [], comparisons);
    const table = { columns, settings, published };
    const width = terminalWidth();
    if (json) process.stdout.write(toJson(comparisons));
    else if (csv) process.stdout.write(toCsv(comparisons));
    else if (markdown) process.stdout.write(toMarkdown(comparisons, table));
    else if (latex) process.stdout.write(toLatex(comparisons, table));
    else process.stdout.write(toText(comparisons, table, width));
    if (chart !== undefined) await drawCharts(chart, comparisons, { published, over });
  });

/** Width of stdout, or the value of COLUMNS; undefined: unknown. */
export function terminalWidth(): number | undefined {
  const columns = Number(process.env.COLUMNS);
  return process.stdout.columns || (columns > 0 ? columns : undefined);
}

/** `compare.png`, then `compare-2.png` and so on. */
async function drawCharts(
  file: string,
  comparisons: Comparison[],
  options: { published?: boolean | undefined; over?: CurveAxis | undefined },
): Promise<void> {
  const { compareChart } = await import('../compare/charts/charts.js');
  const { writeChartFile } = await import('../charts/render.js');
  const { readCurves } = await import('../compare/read-curves.js');
  for (const [i, comparison] of comparisons.entries()) {
    const curves = readCurves(comparison, ({ path, reason }) => {
      process.stderr.write(`no curve of ${path}: ${reason}\n`);
    });
    const name = i === 0 ? file : file.replace(/(\.[^.]*)?$/, `-${i + 1}$1`);
    await writeChartFile(name, compareChart(comparison, curves, options));
    process.stderr.write(`chart ${name}\n`);
  }
}
