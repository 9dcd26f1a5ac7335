import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { shipped } from '../../system/root.js';
import { startClr } from '../../testing/clr-process.js';
import { readSummary } from '../../testing/run-files.js';
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

/** The number of threads in a run's environment.json; the run must end by itself. */
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

  it('are no more than the processors of the process', async () => {
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

/** Preloaded before the program: limits the user to the threads that Node has by then, plus MORE_THREADS. */
const limitProcesses = `
  import { execFileSync } from 'node:child_process';
  import { readFileSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  await readFile('/dev/null'); // starts Node's own threads
  const [threads] = readFileSync('/proc/self/status', 'utf8').match(/(?<=Threads:\\s*)\\d+/);
  const limit = Number(threads) + Number(process.env.MORE_THREADS ?? 0);
  execFileSync('prlimit', ['--pid', process.pid, '--nproc=' + limit]);
`;
const preload = path.join(scratch, 'limit.mjs');
writeFileSync(preload, limitProcesses);
/** A user without other processes, to whom the limit applies (unlike root), and who may read all files (like root). */
const asOtherUser = [
  ...['--reuid', '61234', '--regid', '61234', '--clear-groups', '--securebits=+no_setuid_fixup'],
  ...['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override'],
];
const root = process.getuid?.() === 0;
const why = root ? '' : ' (skipped: only root may become another user)';

describe.runIf(availability.usable && root)(`a limit on processes${why}`, () => {
  const inNode = (...args: string[]) => ['setpriv', ...asOtherUser, process.execPath, '--import', preload, ...args];
  const start = ([command, ...args]: string[], more: number) =>
    promisify(execFile)(command!, args, { env: { ...process.env, CI: '1', MORE_THREADS: String(more) } });

  it.each([0, 1, 2])('of %i more allows that many more threads', async (more) => {
    const counts = `const { setThreads } = require(${JSON.stringify(addonPath)});
      console.log(JSON.stringify([setThreads(3), setThreads(1), setThreads(3)]))`;
    const { stdout } = await start(inNode('-e', counts), more);
    expect(JSON.parse(stdout)).toEqual([1 + more, 1, 1 + more]);
  });

  it.runIf(processors > 1)(
    'of no more: a run trains on one thread and says so',
    async () => {
      const directory = path.join(scratch, 'limited');
      const run = inNode(shipped('bin/clr.js'), 'run', config, '--run-dir', directory);
      const { stderr } = await start(run, 0).catch((error) => error); // libraries that draw charts need threads too
      expect(stderr).toContain(`threads: 1 of ${processors}; OMP_THREAD_LIMIT or a limit on processes (ulimit -u)`);
      expect(readSummary(directory)).toMatchObject({ status: 'completed', iterations: 4 });
      expect(JSON.parse(readFileSync(path.join(directory, 'environment.json'), 'utf8')).threads).toBe(1);
    },
    40_000,
  );
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
/** Loads the addon in a thread, in another after that, then in the main thread and a third; prints each result. */
const loadRepeatedly = `
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
  it('refuses a second thread of a process, which would share its memory, until the first ends', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', loadRepeatedly, addonPath, inThread]);
    expect(JSON.parse(stdout)).toEqual(['loaded', 'loaded', expect.stringContaining('another thread')]);
  });
});
