/**
 * finder-table.mjs losses|suggestions RUN...: a Markdown table of range tests, from their folders. losses: the first loss, the
 * highest one and the mean of the last ten updates, each by seed; suggestions: the LR of each method.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parse } from 'csv-parse/sync';

const [kind, ...runs] = process.argv.slice(2);
const rounded = (value) => String(Number(value.toPrecision(2)));
const bySeed = (values) => values.map((value) => value.toFixed(2)).join(', ');
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function losses(run) {
  const rows = parse(readFileSync(path.join(run, 'lr-finder.csv')), { columns: true });
  const seeds = [...new Set(rows.map(({ seed }) => seed))].map((seed) =>
    rows.filter((row) => row.seed === seed).map(({ loss }) => Number(loss)),
  );
  return {
    first: bySeed(seeds.map(([loss]) => loss)),
    highest: bySeed(seeds.map((own) => Math.max(...own))),
    'last ten updates': bySeed(seeds.map((own) => mean(own.slice(-10)))),
  };
}

function suggestions(run) {
  const { curves } = JSON.parse(readFileSync(path.join(run, 'summary.json'), 'utf8'));
  const lr = ({ base_lr, max_lr }) => {
    if (max_lr === undefined) return 'none';
    return base_lr === undefined ? rounded(max_lr) : `${rounded(base_lr)} to ${rounded(max_lr)}`;
  };
  return Object.fromEntries(curves[0].suggestions.map((suggestion) => [suggestion.method, lr(suggestion)]));
}

const cells = { losses, suggestions }[kind];
if (!cells || runs.length === 0) {
  console.error('finder-table.mjs: expects losses or suggestions, then the folders of range tests');
  process.exit(2);
}
const rows = runs.map((run) => ({ test: path.basename(run), ...cells(run) }));
const line = (cells) => `| ${cells.join(' | ')} |`;
const columns = Object.keys(rows[0]);
console.log([line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(Object.values(row)))].join('\n'));
