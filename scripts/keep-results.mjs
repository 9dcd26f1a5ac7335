/**
 * keep-results.mjs FROM TO: copies the folder of a sweep, a run or a `clr tune` without checkpoints, logs, charts of runs and
 * the rows of each update, and without unfinished runs. What is left is enough for `clr compare`, and to repeat every run. Of a
 * `clr tune` it keeps the page, the range tests, the check's runs, and the epochs of all runs as one table, epochs.csv.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import process from 'node:process';

const kept = /^(sweep|arm|config|environment|summary)\.json$|^(metrics|lr-finder)\.csv$|^predictions\.bin$/;
const pageFiles = /^(tune\.(json|csv|md)|tuned\.json|\w+\.png)$/;
const dropped = new Set(['checkpoints', 'slurm']);
const unfinished = (summary) =>
  existsSync(summary) && ['running', 'interrupted'].includes(JSON.parse(readFileSync(summary, 'utf8')).status);
const [from, to] = process.argv.slice(2).map((folder) => resolve(folder));
const isTune = existsSync(join(from, 'tune.json'));
const isStage = (folder) => isTune && basename(folder) !== 'check' && existsSync(join(folder, 'sweep.json'));
cpSync(from, to, {
  recursive: true,
  filter: (source) => {
    const name = basename(source);
    if (unfinished(join(source, 'summary.json')) || isStage(source)) return false;
    if (dirname(source) === from && pageFiles.test(name)) return isTune;
    return !dropped.has(name) && (!/\.[a-z]+$|^lock-/.test(name) || kept.test(name));
  },
});
if (isTune) {
  const program = new URL('../bin/clr.js', import.meta.url).pathname;
  const table = ['export', basename(from), '--per', 'epoch', '--out', join(to, 'epochs.csv')];
  execFileSync(process.execPath, [program, ...table], { cwd: dirname(from), stdio: 'inherit' });
}
