import { Command, Option } from 'commander';
import { wrap } from '../compare/text-table.js';
import type { Described } from '../config/catalogue.js';
import type { ConfigKey } from '../config/reference.js';

/** `clr show`: the types of a config, or one with its options. */
export const showCommand = new Command('show')
  .description('list what a config can name, or show one type with its options, defaults, formula and source')
  .argument('[type]', 'a schedule, model, dataset, optimizer or backend, also by its name in another library')
  .addOption(new Option('--json', 'print as JSON'))
  .action(async (name: string | undefined, { json }: { json?: boolean }) => {
    const { backendNames } = await import('../backends/index.js');
    if (name !== undefined && backendNames.includes(name.toLowerCase())) return showBackend(name.toLowerCase(), json);
    const { catalogue, findType } = await import('../config/catalogue.js');
    const listed = name === undefined ? catalogue() : catalogue(name.toLowerCase());
    if (listed.length > 0) {
      const lines = json
        ? [JSON.stringify(listed, null, 2)]
        : [...list(listed), ...(name ? [] : backends(backendNames))];
      process.stdout.write(`${lines.join('\n')}\n`);
      return;
    }
    const found = findType(name!);
    const lines = json ? [JSON.stringify(found, null, 2)] : [...text(found, name!), ...(await curves(found))];
    process.stdout.write(`${lines.join('\n')}\n`);
  });

function list(types: Described[]): string[] {
  const width = Math.max(...types.map(({ type }) => type.length));
  return types.flatMap(({ kind, type, about }, i) => [
    ...(types[i - 1]?.kind === kind ? [] : [...(i > 0 ? [''] : []), `${kind}:`]),
    `  ${type.padEnd(width)}  ${about}`,
  ]);
}

function backends(names: string[]): string[] {
  return ['', 'backend:', `  auto, ${names.join(', ')} (clr doctor lists which work here)`];
}

function text({ kind, type, about, formula, source, options, alias }: Described, asked: string): string[] {
  return [
    ...(alias ? [`${asked}: in clr this is ${alias}`, ''] : []),
    `${kind} ${type}`,
    about,
    ...(formula ? ['', ...formula.split('\n').map((line) => `    ${line}`)] : []),
    ...(source ? ['', `source: ${source}`] : []),
    ...(options.length > 0 ? ['', 'options:', ...options.flatMap(optionText)] : []),
    ...(options.some((option) => option.type.includes('duration')) ? ['', durations] : []),
  ];
}

const durations = 'a duration: { epochs: 4 }, { iterations: 200 } or { share: 0.2 } of the run';

function optionText({ key, type, default: value, required, description }: ConfigKey): string[] {
  const rest = required ? ', required' : value === undefined ? '' : `, default ${value}`;
  return [`  ${key}: ${type}${rest}`, ...wrap(description, 94).map((line) => `      ${line}`)];
}

/** LR and momentum over a run, for a schedule. */
async function curves(found: Described): Promise<string[]> {
  if (found.kind !== 'schedule') return [];
  const { sampleCurve, sampleOptions } = await import('../config/catalogue.js');
  const { lineChart } = await import('../terminal/line-chart.js');
  const rows = sampleCurve(found);
  const needed = found.options.filter(({ key, required }) => required && key in sampleOptions);
  const given = needed.map(({ key }) => `${key} ${JSON.stringify(sampleOptions[key])}`);
  const settings = given.length > 0 ? ` with ${given.join(', ')}` : '';
  return [
    '',
    `LR over 30 epochs${settings}:`,
    ...lineChart(rows.map(({ lr }) => lr)),
    '',
    'momentum:',
    ...lineChart(
      rows.map(({ momentum }) => momentum),
      { height: 5 },
    ),
  ];
}

async function showBackend(name: string, json?: boolean): Promise<void> {
  const { describeBackend } = await import('../backends/index.js');
  const backend = await describeBackend(name);
  const { precisions, maxThreads, availability } = backend;
  const threads = maxThreads === undefined ? 'fixed' : maxThreads === 1 ? 'one' : `up to ${maxThreads}`;
  const state = availability.usable
    ? `works here: ${availability.device}${availability.slow ? ` (${availability.slow})` : ''}`
    : `does not work here: ${availability.reason}\nremedy: ${availability.remedy}`;
  const lines = [`backend ${name}`, `precisions: ${precisions.join(', ')}; threads: ${threads}`, state];
  process.stdout.write(`${json ? JSON.stringify(backend, null, 2) : lines.join('\n')}\n`);
}
