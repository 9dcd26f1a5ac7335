import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shipped } from '../../system/root.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-setup-tensorflow-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;

/** Runs the set-up with these variables: its exit code, what it says last, and what it leaves in an empty cache. */
function setUp(variables: Record<string, string>, flags: string[] = [], cache = mkdtempSync(path.join(scratch, 'c-'))) {
  const env = { ...process.env, NO_PROXY: '*', CLR_CACHE: cache, ...variables };
  const args = [shipped('scripts/setup-tensorflow/setup.mjs'), ...flags];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  const lines = stderr.trim().split('\n');
  const announced = lines.filter((line) => /downloading \d+ MB from the package index/.test(line)).length;
  const files = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return { status, said: lines.at(-1), others: lines.length - announced - 1, left: files.map(({ name }) => name) };
}

/** How a failed set-up ends: with one line, and nothing incomplete left. */
const failing = (said: RegExp) => ({ status: 1, said: expect.stringMatching(said), others: 0, left: [] });

describe('setting up TensorFlow', () => {
  it.each([
    ['without Python', { PYTHON: 'no-python' }, /no-python was not found; its pip .*apt-get install python3-pip/],
    ['without pip', { PYTHON: 'false' }, /false has no pip, .*apt-get install python3-pip/],
    ['without a compiler', { CXX: 'no-g++' }, /no C\+\+ compiler \(no-g\+\+\), .*apt-get install g\+\+/],
    ['with a folder that holds none', { CLR_TENSORFLOW: '/tmp' }, /CLR_TENSORFLOW: \/tmp is not a TensorFlow package/],
  ])('%s ends with one line that says what to do', (_, variables, message) => {
    expect(setUp(variables)).toEqual(failing(message));
  });

  it.skipIf(!hasPip)('without a network says so', () => {
    const index = { PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_NO_INDEX: '', PIP_CONFIG_FILE: '/dev/null' };
    expect(setUp(index)).toEqual(
      failing(/the package index cannot be reached for tensorflow-cpu 2\.\d+\.\d+ \(a proxy:/),
    );
  });

  it.skipIf(!hasPip)('refuses a wheel other than the one pinned', () => {
    const wheels = path.join(scratch, 'wheels');
    mkdirSync(wheels);
    writeFileSync(path.join(wheels, 'tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl'), 'another');
    expect(setUp({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels })).toEqual(
      failing(/does not have the pinned SHA-256: it was not used/),
    );
  });

  const disk = path.join(scratch, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'clr', disk]).status === 0;
  afterAll(() => mounted && spawnSync('umount', [disk]));
  it.skipIf(!hasPip || !mounted)('on a disk that is too small asks for another before it downloads', () => {
    expect(setUp({}, [], disk)).toEqual(failing(/has 20 MB left, but \d+ are needed: set CLR_CACHE to another/));
  });
});
