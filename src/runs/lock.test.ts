import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { lockFolder, lockHolder } from './lock.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-lock-'));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(scratch, 'run-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

const host = os.hostname().replace(/[^\w.]/g, '_');
const write = (name: string) => writeFileSync(path.join(folder, name), '');

it('is held until it is given back', () => {
  expect(lockHolder(folder)).toBeUndefined();
  const unlock = lockFolder(folder);
  expect(lockHolder(folder)).toBe(process.pid);
  expect(() => lockFolder(folder)).toThrow(`is in use by process ${process.pid}`);
  unlock();
  expect(lockHolder(folder)).toBeUndefined();
  lockFolder(folder)();
  expect(readdirSync(folder)).toEqual([]);
});

it('is held by no dead process, nor by a living one that got the number of a dead one', async () => {
  const child = spawn('true');
  await new Promise((resolve) => child.on('exit', resolve));
  write(`lock-${host}-${child.pid}-123`);
  write(`lock-${host}-${process.ppid}-1`); // alive, but started later
  expect(lockHolder(folder)).toBeUndefined();
  const unlock = lockFolder(folder);
  expect(readdirSync(folder)).toHaveLength(1);
  unlock();
});

it('of a process on another machine counts as held', () => {
  write('lock-other.machine-7-99');
  expect(lockHolder(folder)).toBe(7);
  expect(() => lockFolder(folder)).toThrow('is in use by process 7 on other.machine');
  expect(readdirSync(folder)).toEqual(['lock-other.machine-7-99']);
});

it('of a folder that is not there is held by nobody', () => {
  expect(lockHolder(path.join(folder, 'none'))).toBeUndefined();
});
