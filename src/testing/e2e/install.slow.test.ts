import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { shipped } from '../../system/root.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-install-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Without the variables that npm passes on to the tests. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

it.each([
  ['npm install -g .', ['install', '-g', '.']],
  ['npm link', ['link']],
])(
  'after `%s` clr is a command, and runs a config by its name in an empty folder',
  (_, args) => {
    const prefix = mkdtempSync(path.join(scratch, 'prefix-'));
    const empty = mkdtempSync(path.join(scratch, 'empty-'));
    const flags = ['--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', [...args, ...flags], { cwd: shipped('.'), env: { ...env, npm_config_prefix: prefix } });
    const clr = path.join(prefix, 'bin/clr');
    const run = ['run', 'quickstart', '--epochs', '1', '--backend', 'wasm', '--set', 'dataset.train_size=64'];
    const stdout = execFileSync(clr, run, { cwd: empty, env: { ...env, CI: '1' }, encoding: 'utf8' });
    expect(stdout).toMatch(/^val_acc .*\nrun folder runs\/1\n$/);
  },
  300_000,
);
