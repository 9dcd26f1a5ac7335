import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
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
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replaceAll('-', '').slice(0, 12);
const namespace = readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
const otherBoot = boot.replaceAll(/[0-9a-f]/g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16));

it('is held until it is released', () => {
  expect(lockHolder(folder)).toBeUndefined();
  const unlock = lockFolder(folder);
  expect(lockHolder(folder)).toMatchObject({ pid: process.pid, known: true });
  expect(() => lockFolder(folder)).toThrow(`is in use by process ${process.pid}`);
  unlock();
  expect(lockHolder(folder)).toBeUndefined();
  lockFolder(folder)();
  expect(readdirSync(folder)).toEqual([]);
});

it('is not held by a dead process, nor by a living one with the PID of a dead one', async () => {
  const child = spawn('true');
  await new Promise((resolve) => child.on('exit', resolve));
  write(`lock-${host}-${child.pid}-123`);
  write(`lock-${host}-${boot}-${namespace}-${child.pid}-123`);
  write(`lock-${host}-${boot}-${namespace}-${process.ppid}-1`); // alive, but started later
  expect(lockHolder(folder)).toBeUndefined();
  const unlock = lockFolder(folder);
  expect(readdirSync(folder)).toHaveLength(1);
  unlock();
});

it.each([
  ['on another machine', `lock-other.machine-${boot}-${namespace}-7-99`, 'process 7 on other.machine,'],
  ['on another machine, in the form of clr 0.1', 'lock-other.machine-7-99', 'process 7 on other.machine,'],
  [
    'in another container of this machine',
    `lock-${host}-${boot}-4026531999-7-99`,
    `process 7 on ${host} (another container or machine of this name),`,
  ],
  [
    'in a container of another machine of that name',
    `lock-${host}-${otherBoot}-4026531999-7-99`,
    `process 7 on ${host} (another container or machine of this name),`,
  ],
])('of a process %s counts as held, until it is taken over', (_, name, message) => {
  write(name);
  expect(lockHolder(folder)).toMatchObject({ pid: 7, known: false, since: expect.any(Date) });
  expect(() => lockFolder(folder)).toThrow(`is in use by ${message} since 20`);
  expect(readdirSync(folder)).toEqual([name]);
  const unlock = lockFolder(folder, { takeOver: true });
  expect(readdirSync(folder)).not.toContain(name);
  unlock();
});

it('of a running process is not taken over', () => {
  const unlock = lockFolder(folder);
  expect(() => lockFolder(folder, { takeOver: true })).toThrow('is in use by process');
  unlock();
});

it('from before a reboot is held by nobody, which cannot be told in a container', () => {
  write(`lock-${host}-${otherBoot}-${namespace}-${process.pid}-1`);
  const isContainer = namespace !== '4026531836';
  expect(lockHolder(folder)).toEqual(isContainer ? expect.objectContaining({ known: false }) : undefined);
});

it('is a file: a folder with such a name is not a lock, and stays', () => {
  mkdirSync(path.join(folder, 'lock-a-1-2'));
  lockFolder(folder, { takeOver: true })();
  expect(readdirSync(folder)).toEqual(['lock-a-1-2']);
});

it('of a folder that does not exist is held by nobody', () => {
  expect(lockHolder(path.join(folder, 'none'))).toBeUndefined();
});
