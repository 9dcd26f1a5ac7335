import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runClr, startClr, waitFor } from '../clr-process.js';
import { countRows, filesBelow, fingerprint, readSummary } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-faults-'));
const settings = {
  epochs: 6,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 64, val_size: 40 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.1 },
  backend: 'wasm',
  checkpoint: { every_iterations: 5 },
};
const iterations = 48;
const config = path.join(scratch, 'config.json');
const whole = path.join(scratch, 'whole/1');
const temporary = path.join(scratch, 'tmp');
const start = (runs: string, ...more: string[]) => ['run', config, '--runs', runs, ...more];
const resume = (run: string, ...more: string[]) => ['run', '--resume', run, ...more];
const rowsOf = (run: string) => countRows(path.join(run, 'iterations.csv'));
const place = () => mkdtempSync(path.join(scratch, 'case-'));

const mounts: string[] = [];
const root = process.getuid?.() === 0;
/** Mounts a new file system; undefined if this process may not. */
function mountTmpfs(size: string): string | undefined {
  const directory = place();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory], { stdio: 'ignore' });
    mounts.push(directory);
    return directory;
  } catch {
    return undefined;
  }
}

/** A copy of the whole run, to be treated as if it had been killed. */
function killedRun(): string {
  const run = path.join(place(), '1');
  cpSync(whole, run, { recursive: true });
  return run;
}

beforeAll(async () => {
  mkdirSync(temporary);
  vi.stubEnv('TMPDIR', temporary); // of the processes that the tests start
  writeFileSync(config, JSON.stringify(settings));
  expect(await runClr(start(path.dirname(whole)))).toMatchObject({ code: 0 });
}, 300_000);
afterAll(() => {
  for (const directory of mounts) execFileSync('umount', [directory]);
  rmSync(scratch, { recursive: true });
});

describe('a disk', () => {
  const small = root ? mountTmpfs('2m') : undefined;
  it.skipIf(!small)(
    `that is full ends the run with its files valid; with room again it goes on${small ? '' : ' (skipped: only root may mount a small one)'}`,
    async () => {
      const failed = await runClr(start(small!));
      const run = path.join(small!, '1');
      expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/clr: cannot write .*ENOSPC/) });
      expect(failed.stderr).not.toMatch(/\n\s+at /);
      JSON.parse(readFileSync(path.join(run, 'config.json'), 'utf8'));
      JSON.parse(readFileSync(path.join(run, 'summary.json'), 'utf8'));
      expect(filesBelow(run).filter((file) => file.endsWith('.tmp'))).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=64m', small!]);
      expect(await runClr(resume(run))).toMatchObject({ code: 0 });
      expect(fingerprint(run)).toEqual(fingerprint(whole));
    },
  );

  const readOnly = root ? mountTmpfs('64m') : undefined;
  it.skipIf(root && !readOnly)('that is read-only is named, whether a run begins or is resumed', async () => {
    const directory = readOnly ?? place();
    cpSync(whole, path.join(directory, '1'), { recursive: true });
    if (readOnly) execFileSync('mount', ['-o', 'remount,ro', readOnly]);
    else execFileSync('chmod', ['-R', 'a-w', directory]);
    expect(await runClr(start(directory))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/clr: cannot make a run folder in .*(EROFS|EACCES)/),
    });
    expect(await runClr(resume(path.join(directory, '1')))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/clr: cannot write .*(EROFS|EACCES)/),
    });
    if (!readOnly) execFileSync('chmod', ['-R', 'u+w', directory]);
  });
});

describe('a run folder', () => {
  it('that is removed during the run ends it with a message, and is not made again', async () => {
    const run = path.join(place(), '1');
    const started = startClr(start(path.dirname(run)));
    await waitFor(() => rowsOf(run) > 5, started);
    rmSync(run, { recursive: true });
    expect(await started.ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/clr: cannot write .*ENOENT/) });
    expect(existsSync(run)).toBe(false);
  });

  it('is refused to a second process while the first holds it', async () => {
    const run = path.join(place(), '1');
    const first = startClr(start(path.dirname(run), '--epochs', '2'));
    await waitFor(() => rowsOf(run) > 0, first);
    const second = await runClr(resume(run));
    expect(second).toMatchObject({ code: 2, stderr: expect.stringMatching(/1 is in use by process \d+/) });
    expect(await first.ended).toMatchObject({ code: 0 });
  });

  it('is given to at most one of several processes that want it at once', async () => {
    const run = killedRun();
    writeFileSync(path.join(run, `lock-${'x'.repeat(3)}-1-1`), ''); // another machine's: never taken over
    expect(await runClr(resume(run))).toMatchObject({ code: 2, stderr: expect.stringMatching(/process 1 on xxx/) });
    rmSync(path.join(run, 'lock-xxx-1-1'));
    const ends = await Promise.all([1, 2, 3].map(() => runClr(resume(run))));
    for (const { code, stderr } of ends) if (code !== 0) expect(stderr).toMatch(/is in use by process/);
    expect(readSummary(run).status).toBe('completed');
    expect(readdirSync(run).filter((name) => name.startsWith('lock-'))).toEqual([]);
  });

  it('with an incomplete row, stale temporary files and the state of a dead process is repaired', async () => {
    const run = killedRun();
    appendFileSync(path.join(run, 'iterations.csv'), '48,7,0.0');
    appendFileSync(path.join(run, 'metrics.csv'), '7,');
    writeFileSync(path.join(run, 'summary.json.0123abcd.tmp'), '{');
    writeFileSync(path.join(run, 'checkpoints/last.safetensors.89abcdef.tmp'), 'x');
    writeFileSync(path.join(run, 'summary.json'), '{"status": "runn');
    expect(await runClr(resume(run))).toMatchObject({ code: 0 });
    expect(fingerprint(run)).toEqual(fingerprint(whole));
    expect(filesBelow(run).filter((file) => /tmp$|lock/.test(file))).toEqual([]);
    expect(readSummary(run)).toMatchObject({ status: 'completed', iterations });
    const environment = JSON.parse(readFileSync(path.join(run, 'environment.json'), 'utf8'));
    expect(environment.resumed).toMatchObject([{ iteration: iterations, backend: 'wasm' }]);
  });
});

describe('a checkpoint', () => {
  const last = (run: string) => path.join(run, 'checkpoints/last.safetensors');
  const flip = (file: string, at: (length: number) => number) => {
    const bytes = readFileSync(file);
    const i = at(bytes.length);
    bytes[i] = bytes[i]! ^ 1;
    writeFileSync(file, bytes);
  };
  it.each<[string, (file: string) => void, RegExp]>([
    ['cut off', (file) => truncateSync(file, 5000), /is cut off|is damaged/],
    ['empty', (file) => truncateSync(file, 0), /is cut off/],
    ['missing', (file) => rmSync(file), /from iteration 45/],
    ['flipped in a weight', (file) => flip(file, (n) => n - 1000), /is damaged \(its checksum/],
    ['flipped in the position', (file) => flip(file, () => 130), /is damaged \(its checksum/],
    ['flipped in the checksum', (file) => flip(file, () => 40), /is damaged \(its checksum/],
    ['flipped in the length of the header', (file) => flip(file, () => 1), /is cut off|is damaged/],
  ])('that is %s is replaced by the one before it, with a message', async (_, damage, message) => {
    const run = killedRun();
    damage(last(run));
    const { code, stderr } = await runClr(resume(run));
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/from iteration 45 of 48/);
    expect(code).toBe(0);
    expect(fingerprint(run)).toEqual(fingerprint(whole));
  });

  it('is needed if there are rows: without one the run is refused, and left unchanged', async () => {
    const run = killedRun();
    truncateSync(last(run), 1000);
    truncateSync(path.join(run, 'checkpoints/previous.safetensors'), 1000);
    expect(await runClr(resume(run))).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/no usable checkpoint: .*last.*previous/),
    });
    rmSync(path.join(run, 'checkpoints'), { recursive: true });
    expect(await runClr(resume(run))).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/has rows but no checkpoint/),
    });
    expect(rowsOf(run)).toBe(iterations);
  });
});

describe('--resume', () => {
  it('refuses another config and names the keys; epochs may grow if that changes nothing already done', async () => {
    const run = killedRun();
    expect(await runClr(resume(run, '--set', 'schedule.max_lr=0.2', '--set', 'batch_size=4'))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/the config differs in batch_size, schedule/),
    });
    expect(await runClr(resume(run, '--epochs', '7'))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /differs in epochs: with 7 the schedule already differs in LR or momentum at iteration 1\b/,
      ),
    });
    const constant = ['--set', 'schedule={type: constant, lr: 0.05}'];
    const shorter = path.join(place(), '1');
    expect(await runClr(start(path.dirname(shorter), ...constant, '--epochs', '2'))).toMatchObject({ code: 0 });
    expect(await runClr(resume(shorter, '--epochs', '1'))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/16 iterations are done/),
    });
    const extended = await runClr(['run', '--resume', 'latest', '--runs', path.dirname(shorter), '--epochs', '3']);
    expect(extended).toMatchObject({ code: 0 });
    const longer = path.join(place(), '1');
    expect(await runClr(start(path.dirname(longer), ...constant, '--epochs', '3'))).toMatchObject({ code: 0 });
    expect(fingerprint(shorter)).toEqual(fingerprint(longer));
  });
});

describe('signals', () => {
  const interrupted = async (name: NodeJS.Signals, times: number) => {
    const run = path.join(place(), '1');
    const started = startClr(start(path.dirname(run)));
    await waitFor(() => rowsOf(run) > 9, started);
    for (let i = 0; i < times; i++) {
      const heard = new Promise((resolve) => started.child.stderr!.once('data', resolve));
      started.child.kill(name);
      await Promise.race([heard, started.ended]);
    }
    return { run, ended: await started.ended };
  };

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s: the iteration is finished, a checkpoint is written, the exit code is %d', async (name, exitCode) => {
    const { run, ended } = await interrupted(name, 1);
    expect(ended).toMatchObject({ code: exitCode, stderr: expect.stringMatching(/interrupted: stopped after \d+/) });
    expect(readSummary(run)).toMatchObject({ status: 'interrupted', iterations: rowsOf(run) });
    expect(await runClr(resume(run))).toMatchObject({ code: 0 });
    expect(fingerprint(run)).toEqual(fingerprint(whole));
  });

  it('SIGINT twice: the run stops at once, with valid files, and can be resumed', async () => {
    const { run, ended } = await interrupted('SIGINT', 2);
    expect(ended.code).toBe(130);
    for (const name of ['config.json', 'environment.json', 'summary.json'])
      JSON.parse(readFileSync(path.join(run, name), 'utf8'));
    expect(await runClr(resume(run))).toMatchObject({ code: 0 });
    expect(fingerprint(run)).toEqual(fingerprint(whole));
  });
});

describe('memory', () => {
  it('that is too small for the batch ends the run with a message', async () => {
    const large = ['--set', 'dataset.train_size=40000', '--set', 'batch_size=40000'];
    const { code, stderr } = await runClr(start(place(), ...large));
    expect(stderr).toMatch(/clr: .*out of memory.*\n {2}hint: .*batch_size/);
    expect(stderr).not.toMatch(/\n\s+at |Aborted|FATAL/);
    expect(code).toBe(1);
  });
});

describe('a full JavaScript heap', () => {
  const heap = (mebibytes: number) => `--max-old-space-size=${mebibytes}`;

  it('is noticed in time: a checkpoint, one line, and with more memory the run can be resumed', async () => {
    const leak = path.join(scratch, 'leak.mjs');
    const run = path.join(place(), '1');
    const rows = path.join(run, 'iterations.csv');
    const lines = [
      "import { statSync } from 'node:fs';",
      `const trains = () => statSync(${JSON.stringify(rows)}, { throwIfNoEntry: false })?.size > 200;`,
      'const kept = [];',
      'setInterval(() => trains() && kept.push(Array.from({ length: 2e4 }, (_, i) => ({ i }))), 5).unref();',
    ];
    writeFileSync(leak, lines.join('\n'));
    const node = [heap(90), '--import', leak];
    const { code, signal, stderr } = await startClr(start(path.dirname(run), '--epochs', '200'), { node }).ended;
    expect(stderr).toMatch(/clr: out of memory: stopped after \d+ iterations; .*\n {2}hint: .*--resume/);
    expect(stderr).not.toMatch(/\n\s+at |FATAL|stack trace/);
    expect([code, signal]).toEqual([1, null]);
    expect(readSummary(run)).toMatchObject({ status: 'failed', iterations: rowsOf(run) });
    const resumed = startClr(resume(run));
    await waitFor(() => rowsOf(run) > readSummary(run).iterations, resumed);
    resumed.child.kill('SIGINT');
    const { code: after, stderr: said } = await resumed.ended;
    expect(said).toMatch(/from iteration [1-9]\d*/);
    expect(after).toBe(130);
  });

  it('is noticed in time by commands that read tables too large for it', async () => {
    const run = killedRun();
    const rows = Array.from(
      { length: 400_000 },
      (_, i) => `${i},${1 + (i >> 3)},0.123456789,0.9123456789,2.30258509299`,
    );
    writeFileSync(path.join(run, 'iterations.csv'), `iteration,epoch,lr,momentum,loss\n${rows.join('\n')}\n`);
    const plot = await runClr(['plot', run], { node: [heap(100)] });
    expect(plot).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^clr: out of memory: .*iterations.csv has .*\n/),
    });
    const exported = await runClr(['export', run, whole, '--per', 'iteration'], { node: [heap(100)] });
    expect(exported).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^left out .*: out of memory: [^\n]*\n$/),
    });
    expect(exported.stdout.trimEnd().split('\n')).toHaveLength(1 + iterations);
  });
});

describe('output', () => {
  it('that nobody reads any more does not end a run', async () => {
    const run = path.join(place(), '1');
    const started = startClr(start(path.dirname(run), '--epochs', '1'));
    await waitFor(() => rowsOf(run) > 1, started);
    started.child.stderr!.destroy();
    started.child.stdout!.destroy();
    expect((await started.ended).code).toBe(0);
    expect(readSummary(run).status).toBe('completed');
  });
});

it('leaves nothing in the folder for temporary files, nor beside the runs', () => {
  expect(readdirSync(temporary)).toEqual([]);
  for (const name of readdirSync(scratch).filter((name) => name.startsWith('case-')))
    for (const run of readdirSync(path.join(scratch, name))) expect(run, name).toMatch(/^\d+$/);
});
