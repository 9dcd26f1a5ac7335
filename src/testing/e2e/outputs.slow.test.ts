import { execFile, execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { runClr } from '../clr-process.js';
import { writeRunFolder } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-outputs-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const run = path.join(scratch, 'run');
writeRunFolder(run, { name: 'a' }, 90);
const program = fileURLToPath(new URL('../../../bin/clr.js', import.meta.url));

const commands: [string, string, (file: string) => string[]][] = [
  ['export', 'table', (file) => ['export', run, '--out', file]],
  ['report', 'page.html', (file) => ['report', run, '--out', file]],
  ['schedule', 'chart.png', (file) => ['schedule', 'configs/quickstart.json', '--png', file]],
  ['compare', 'chart.png', (file) => ['compare', run, '--chart', file]],
];

describe.each(commands)('clr %s', (_, name, args) => {
  let file: string;
  beforeEach(() => {
    file = path.join(mkdtempSync(path.join(scratch, 'case-')), name);
  });

  it('keeps the link that it writes to, and the mode of the file behind it', async () => {
    const target = path.join(path.dirname(file), 'target');
    writeFileSync(target, '', { mode: 0o600 });
    symlinkSync('target', file);
    expect(await runClr(args(file))).toMatchObject({ code: 0 });
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(statSync(target).size).toBeGreaterThan(0);
    expect(statSync(target).mode & 0o777).toBe(0o600);
  });

  it('writes into a pipe, which stays', async () => {
    execFileSync('mkfifo', [file]);
    const reader = promisify(execFile)('cat', [file], { encoding: 'buffer' });
    expect(await runClr(args(file))).toMatchObject({ code: 0 });
    expect((await reader).stdout.length).toBeGreaterThan(50);
    expect(lstatSync(file).isFIFO()).toBe(true);
  });

  it('writes to a device, which stays one', async () => {
    const device = makeDevice(file, 'null');
    expect(await runClr(args(file))).toMatchObject({ code: 0 });
    expect(statSync(file)).toMatchObject({ rdev: device });
    expect(lstatSync(file).isFile()).toBe(false);
  });

  it('names a device that is full, which stays one too', async () => {
    const device = makeDevice(file, 'full');
    const { code, stderr } = await runClr(args(file));
    expect(stderr).toMatch(/^clr: cannot write .*ENOSPC.*\n {2}hint: .*\n$/);
    expect(code).toBe(1);
    expect(statSync(file)).toMatchObject({ rdev: device });
  });

  it('names a file that cannot exist: its name is too long, or its folder is a file', async () => {
    for (const bad of [file.replace(name, `${'n'.repeat(300)}${name}`), path.join(run, 'config.json', name)]) {
      const { code, stderr } = await runClr(args(bad));
      expect(stderr).toMatch(/^clr: cannot (write|make the folder) .*(ENAMETOOLONG|ENOTDIR).*\n {2}hint: .*\n$/);
      expect([1, 2]).toContain(code);
    }
  });
});

/** As root, who could replace the machine's device, makes a new one; else a link to it. Returns the device's number. */
function makeDevice(file: string, name: 'null' | 'full'): number {
  if (process.getuid?.() === 0) execFileSync('mknod', [file, 'c', '1', name === 'null' ? '3' : '7']);
  else symlinkSync(`/dev/${name}`, file);
  return statSync(`/dev/${name}`).rdev;
}

it('clr export --out /dev/stdout writes what it would print, into a pipe and at the end of a file', async () => {
  const { stdout } = await runClr(['export', run]);
  const command = `'${process.execPath}' '${program}' export ${run} --out /dev/stdout`;
  const shell = (text: string) => execFileSync('sh', ['-c', text], { encoding: 'utf8' });
  expect(shell(`${command} | cat`)).toBe(`${stdout}/dev/stdout\n`);
  const file = path.join(scratch, 'redirected');
  shell(`echo before > ${file}; ${command} >> ${file}`);
  expect(readFileSync(file, 'utf8')).toBe(`before\n${stdout}/dev/stdout\n`);
});
