import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const folders = [
  '.',
  'configs',
  'results',
  'scripts',
  'src',
  'src/backends',
  'src/schedules',
  'src/statistics',
  'src/testing',
];
const pages = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
);
const read = (page: string) => readFileSync(page, 'utf8');

test('the README has at most 900 words', () => {
  expect(read('README.md').split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(900);
});

test.each(pages.filter((page) => page !== 'CHANGELOG.md'))('%s has lines of at most 120 characters', (page) => {
  expect(
    read(page)
      .split('\n')
      .filter((line) => line.length > 120 && !line.startsWith('|')), // Markdown cannot break the row of a table
  ).toEqual([]);
});

test.each(pages)('%s links to files that exist', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target]) => target!);
  const own = links.filter((target) => !/^https?:/.test(target));
  expect(own.filter((target) => !existsSync(path.join(path.dirname(page), target)))).toEqual([]);
});

test("the table of layers in src/README.md is the linter's list", () => {
  const list = read('.config/dependency-cruiser.cjs').match(/^const layers = \[\n(.*?)^\];/ms)![1]!;
  const rows = read('src/README.md')
    .match(/^\| layer .*?\n\n/ms)![0]
    .split('\n')
    .slice(2, -2);
  const names = (line: string, mark: RegExp) => [...line.matchAll(mark)].map(([, name]) => name);
  expect(rows.map((row) => names(row.split('|')[1]!, /`(.*?)`/g))).toEqual(
    list
      .trimEnd()
      .split('\n')
      .map((line) => names(line, /'(.*?)'/g)),
  );
});

/** `run configs/a.json --seeds 5` for each line that is a call of the program. */
function calls(page: string): string[] {
  const lines = [...read(page).matchAll(/^ {4}(?:npx |clr-portable\/)?clr (.*)$/gm)].map(([, rest]) => rest!);
  const inline = [...read(page).matchAll(/`(?:npx )?clr ([a-z][^`]*)`/g)].map(([, rest]) => rest!);
  return [...lines.map((line) => line.split(/ {2,}/)[0]!), ...inline].map((call) => call.replace(/\s+/g, ' '));
}

test('every call of the program in a page names commands, options and configs that exist', async () => {
  const all = pages.flatMap((page) => calls(page).map((call) => ({ page, call })));
  expect(all.length).toBeGreaterThan(20);
  const helpOf = new Map<string, Promise<string>>();
  const help = (command: string) =>
    helpOf.get(command) ??
    helpOf
      .set(
        command,
        execa('node', ['bin/clr.js', command, '--help'], { reject: false }).then(({ stdout }) => stdout),
      )
      .get(command)!;
  const wrong: object[] = [];
  for (const { page, call } of all) {
    const words = call.split(' ');
    const text = await help(words[0]!);
    const known = (word: string) => text.split(/[\s,]+/).includes(word.split('=')[0]!);
    const bad = words.slice(1).filter((word) => word.startsWith('--') && !known(word));
    const configs = words.filter((word) => /^configs\/.*\.(json|yaml)$/.test(word) && !existsSync(word));
    if (!text.startsWith(`Usage: clr ${words[0]} `) || bad.length + configs.length > 0)
      wrong.push({ page, call, bad, configs });
  }
  expect(wrong).toEqual([]);
}, 120_000);
