import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { writeOutput } from './atomic.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-atomic-'));
let folder: string;
const at = (name: string) => path.join(folder, name);
const read = (name: string) => readFileSync(at(name), 'utf8');
beforeEach(() => {
  folder = mkdtempSync(path.join(scratch, 'case-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe('a file that the user names', () => {
  it('is created, with its folder, or replaced', () => {
    for (const text of ['first', 'second']) {
      writeOutput(at('a/b/file'), text);
      expect(read('a/b/file')).toBe(text);
    }
    expect(readdirSync(at('a/b'))).toEqual(['file']);
  });

  it('keeps its mode, and any links to it', () => {
    writeFileSync(at('target'), 'before', { mode: 0o600 });
    symlinkSync('target', at('link'));
    symlinkSync(at('link'), at('link-to-link'));
    writeOutput(at('link-to-link'), 'after');
    expect(read('target')).toBe('after');
    expect(statSync(at('target')).mode & 0o777).toBe(0o600);
    expect(lstatSync(at('link-to-link')).isSymbolicLink() && lstatSync(at('link')).isSymbolicLink()).toBe(true);
    chmodSync(at('target'), 0o644);
  });

  it('is created behind a dangling link, and refused behind a loop of links', () => {
    symlinkSync('there', at('dangling'));
    writeOutput(at('dangling'), 'x');
    expect(read('there')).toBe('x');
    symlinkSync('round', at('round'));
    expect(() => writeOutput(at('round'), 'x')).toThrow(/cannot write .*round: ELOOP/);
  });

  it('is written in place if it is a pipe', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const reader = promisify(execFile)('cat', [at('pipe')]);
    writeOutput(at('pipe'), ['in ', 'pieces']);
    expect((await reader).stdout).toBe('in pieces');
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  });

  it.each([
    ['a folder', () => mkdirSync(at('x')), /x is a folder/],
    ['below a file', () => writeFileSync(folder.concat('/y'), ''), /cannot make the folder .*y\/z: ENOTDIR/],
  ])('is refused if it is %s', (what, prepare, message) => {
    prepare();
    expect(() => writeOutput(at(what === 'a folder' ? 'x' : 'y/z/file'), 'text')).toThrow(message);
  });

  it('is refused if its name is too long', () => {
    expect(() => writeOutput(at('n'.repeat(300)), 'text')).toThrow(/cannot write .*: ENAMETOOLONG/);
    expect(() => writeOutput(at(`${'n'.repeat(300)}/file`), 'text')).toThrow(/cannot make the folder .*: ENAMETOOLONG/);
  });
});
