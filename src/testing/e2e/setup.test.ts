import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { shipped } from '../../system/root.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-setup-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Without the variables that npm passes on to the tests. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

/** Installs a package with an install script under the settings of `npmrc`; returns whether the script has run. */
function scriptRuns(npmrc: string): boolean {
  const project = mkdtempSync(path.join(scratch, 'project-'));
  const marker = path.join(project, 'marker');
  const write = (name: string, content: object) =>
    writeFileSync(path.join(project, name, 'package.json'), JSON.stringify(content));
  mkdirSync(path.join(project, 'other'));
  write('other', { name: 'other', version: '1.0.0', scripts: { install: `touch '${marker}'` } });
  execFileSync('npm', ['pack', '--silent'], { cwd: path.join(project, 'other'), env });
  write('', { name: 'project', dependencies: { other: 'file:other/other-1.0.0.tgz' } });
  copyFileSync(npmrc, path.join(project, '.npmrc'));
  execFileSync('npm', ['install', '--offline', '--silent', '--no-audit'], { cwd: project, env });
  expect(existsSync(path.join(project, 'node_modules/other/package.json'))).toBe(true);
  return existsSync(marker);
}

it('the set-up runs no install scripts of other packages', () => {
  const none = path.join(scratch, 'none');
  writeFileSync(none, '');
  expect(scriptRuns(none)).toBe(true);
  expect(scriptRuns(shipped('.npmrc'))).toBe(false);
}, 60_000);
