import { Command, InvalidArgumentError, Option } from 'commander';
import { type Metric, metrics } from '../results/scores.js';

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
  .argument('<path...>', 'run folders, sweep folders, folders of either, or patterns')
  .addOption(
    new Option('--metric <name>', 'what is tested and sorted by').choices(Object.keys(metrics)).default('val_acc'),
  )
  .addOption(
    new Option('--baseline <name>', 'the config that the others are tested against; by default the first read'),
  )
  .addOption(new Option('--sort <column>', 'a metric (best first), config, n, diverged or a setting'))
  .addOption(
    new Option('--filter <key=value>', 'keep the runs with this setting, name or seed; repeatable')
      .argParser((value: string, earlier: string[]) => [...earlier, value])
      .default([], 'none'),
  )
  .addOption(
    new Option('--difference <d>', 'the difference worth seeing, for the number of seeds').argParser(positiveNumber),
  )
  .addOption(new Option('--json', 'print everything as JSON').conflicts(['csv', 'markdown']))
  .addOption(new Option('--csv', 'print one line a config as CSV').conflicts('markdown'))
  .addOption(new Option('--markdown', 'print a Markdown table and list'))
  .addOption(new Option('--chart <file.png>', 'draw the runs, means with intervals, and curves over epochs'))
  .action(async (paths: string[], { json, csv, markdown, chart, ...options }: Flags) => {
    const { readRuns } = await import('../results/read-runs.js');
    const { compare } = await import('../compare/comparison.js');
    const { toCsv, toJson, toMarkdown, toText } = await import('../compare/print.js');
    const { ClrError } = await import('../errors.js');
    const { runs, skipped } = readRuns(paths);
    if (runs.length === 0) {
      const why = skipped.slice(0, 20).map((s) => `${s.path}: ${s.reason}`);
      throw new ClrError('data', `nothing to compare: ${why.join('; ')}`, 'name run folders, such as runs/1 runs/2');
    }
    const comparison = compare(runs, skipped, options);
    for (const { path: where, reason } of comparison.skipped) process.stderr.write(`left out ${where}: ${reason}\n`);
    const print = json ? toJson : csv ? toCsv : markdown ? toMarkdown : toText;
    process.stdout.write(print(comparison));
    if (chart === undefined) return;
    const { compareChart } = await import('../charts/compare.js');
    const { writePng } = await import('../charts/render.js');
    const { readCurves } = await import('../compare/read-curves.js');
    const curves = readCurves(comparison, (message) => void process.stderr.write(`${message}\n`));
    await writePng(chart, compareChart(comparison, curves));
    process.stderr.write(`chart ${chart}\n`);
  });

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('must be a number above 0');
  return value;
}
