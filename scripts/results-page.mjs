/**
 * results-page.mjs [--check]: updates results/README.md with what the commands named in it print now. A block begins
 * with `<!-- $ clr compare results/table-1 --published --markdown -->`, or with `$ node` and a script, and ends with
 * `<!-- end -->`. So each number in these tables is read from the files of its runs. --check: exits with 1 if the page
 * differs.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const page = 'results/README.md';
const block = /(<!-- \$ ((?:clr|node) .+?) -->\n)[\s\S]*?(<!-- end -->)/g;

function outputOf(command) {
  const call = command.replace(/^clr/, 'node bin/clr.js').replace(/^node/, '"$NODE"');
  const stdout = execFileSync('sh', ['-c', call], {
    env: { ...process.env, NODE: process.execPath },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return stdout.trim().split('\n').map(wrapped).join('\n');
}

/** Wraps a list item to lines of at most 120 characters. */
const wrapped = (line) => (line.startsWith('|') ? line : line.replace(/(.{1,118})(?: +|$)/g, '$1\n  ').trimEnd());

const before = readFileSync(page, 'utf8');
const after = before.replace(block, (_, head, command, end) => `${head}\n${outputOf(command)}\n\n${end}`);
if (process.argv.includes('--check')) {
  const changed = after.split('\n').filter((line) => !before.includes(line));
  for (const line of changed) console.error(`${page} lacks: ${line}`);
  process.exitCode = after === before ? 0 : 1;
} else writeFileSync(page, after);
