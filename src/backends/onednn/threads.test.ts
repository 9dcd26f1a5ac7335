import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { shipped } from '../../system/root.js';
import { startClr } from '../../testing/clr-process.js';
import { addonPath } from './addon.js';
import { onednn } from './index.js';

const availability = await onednn.probe();
const scratch = mkdtempSync(path.join(tmpdir(), 'clr-threads-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const config = path.join(scratch, 'config.json');
writeFileSync(
  config,
  JSON.stringify({
    epochs: 1,
    batch_size: 8,
    dataset: { type: 'synthetic', train_size: 32, val_size: 10 },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'constant', lr: 0.1 },
    backend: 'onednn',
  }),
);

/** The threads that environment.json names, of a run that must end by itself. */
async function threadsOf(name: string, env: Record<string, string>, ...more: string[]): Promise<number> {
  const directory = path.join(scratch, name);
  const { child, ended } = startClr(['run', config, '--run-dir', directory, ...more], { env });
  const hangs = setTimeout(() => child.kill('SIGKILL'), 25_000);
  const { code, signal, stderr } = await ended;
  clearTimeout(hangs);
  expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
  return JSON.parse(readFileSync(path.join(directory, 'environment.json'), 'utf8')).threads;
}

const processors = os.availableParallelism();

describe.runIf(availability.usable)('threads of the onednn backend', () => {
  it.each([
    ['OMP_DYNAMIC', 'true', processors],
    ['OMP_THREAD_LIMIT', '1', 1],
    ['OMP_MAX_ACTIVE_LEVELS', '0', processors],
  ])(
    'a run ends with %s=%s, and says how many it used',
    async (variable, value, threads) => {
      expect(await threadsOf(variable, { [variable]: value })).toBe(threads);
    },
    40_000,
  );

  it('are no more than the process has processors', async () => {
    expect(await threadsOf('many', {}, '--threads', '256')).toBe(processors);
  }, 40_000);

  it.runIf(processors > 1)('are no more than its CPU affinity allows', async () => {
    const [first] = readFileSync('/proc/self/status', 'utf8').match(/(?<=Cpus_allowed_list:\s*)\d+/)!;
    const script = `
      import { usableProcessors } from ${JSON.stringify(shipped('dist/system/processors.js'))};
      console.log(usableProcessors());`;
    const node = [process.execPath, '--input-type=module', '-e', script];
    expect((await promisify(execFile)('taskset', ['-c', first, ...node])).stdout).toBe('1\n');
  });
});

const inThread = `
  const { parentPort, workerData } = require('node:worker_threads');
  try {
    require(workerData);
    parentPort.postMessage('loaded');
  } catch (error) {
    parentPort.postMessage(error.message);
  }
`;
/** Loads the addon in a thread, in another when that has ended, then in the main thread and a third; prints what each met. */
const loadOften = `
  const { Worker } = require('node:worker_threads');
  const [, addon, inThread] = process.argv;
  const loaded = () => new Promise((resolve) => {
    const worker = new Worker(inThread, { eval: true, workerData: addon });
    let met;
    worker.on('message', (message) => { met = message; });
    worker.on('exit', () => resolve(met));
  });
  (async () => {
    const met = [await loaded(), await loaded()];
    require(addon);
    console.log(JSON.stringify([...met, await loaded()]));
  })();
`;

describe.runIf(availability.usable)('the addon', () => {
  it('is refused to a second thread of a process, since its memory is shared, until the first one ends', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', loadOften, addonPath, inThread]);
    expect(JSON.parse(stdout)).toEqual(['loaded', 'loaded', expect.stringContaining('another thread')]);
  });
});
