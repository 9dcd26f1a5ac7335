/**
 * keep-results.mjs FROM TO: copies the folder of a sweep, a run or a `clr tune` without checkpoints, logs, charts of
 * runs and rows of updates, and without unfinished runs. What is left is enough for `clr compare` and to repeat every
 * run; for a `clr tune`, its page is kept too.
 */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

const kept = /^(sweep|arm|config|environment|summary)\.json$|^(metrics|lr-finder)\.csv$|^predictions\.bin$/;
const pageFiles = /^(tune\.(json|csv|md)|tuned\.json|\w+\.png)$/;
const dropped = new Set(['checkpoints', 'slurm']);
const unfinished = (summary) =>
  existsSync(summary) && ['running', 'interrupted'].includes(JSON.parse(readFileSync(summary, 'utf8')).status);
const [from, to] = process.argv.slice(2);
cpSync(from, to, {
  recursive: true,
  filter: (source) => {
    const name = basename(source);
    if (unfinished(join(source, 'summary.json'))) return false;
    if (dirname(source) === from && pageFiles.test(name)) return existsSync(join(from, 'tune.json'));
    return !dropped.has(name) && (!/\.[a-z]+$|^lock-/.test(name) || kept.test(name));
  },
});
