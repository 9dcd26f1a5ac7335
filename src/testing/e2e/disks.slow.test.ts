import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runClr, type Started, startClr, waitFor } from '../clr-process.js';
import { Ext4Disk, mayMount, mayMountExt4, mountTmpfs } from '../mounts.js';
import { countRows, filesBelow, fingerprint, readSummary } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-disks-'));
const config = path.join(scratch, 'config.json');
const settings = {
  epochs: 2,
  batch_size: 2,
  dataset: { type: 'synthetic', train_size: 160, val_size: 20 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.02 },
  backend: 'wasm',
};
writeFileSync(config, JSON.stringify(settings));
const whole = path.join(scratch, 'whole/1');
const start = (runs: string) => startClr(['run', config, '--runs', runs]);
const rows = (run: string) => countRows(path.join(run, 'iterations.csv'));

beforeAll(async () => {
  expect(await start(path.dirname(whole)).ended).toMatchObject({ code: 0 });
}, 600_000);
afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(!mayMount)(`a disk${mayMount ? '' : ' (skipped: only root may mount one)'}`, () => {
  it('that fills up between checkpoints leaves whole rows and a summary that says so; the run can resume', async () => {
    const disk = mountTmpfs('64m');
    try {
      const run = path.join(disk.directory, '1');
      const started = start(disk.directory);
      await waitFor(() => rows(run) > 20, started);
      fill(path.join(disk.directory, 'filler'));
      const { code, stderr } = await started.ended;
      expect(stderr).toMatch(/\nclr: cannot write .*iterations\.csv: ENOSPC.*\n {2}hint: .*--resume/);
      expect(code).toBe(1);
      const table = readFileSync(path.join(run, 'iterations.csv'), 'utf8');
      expect(table.endsWith('\n')).toBe(true);
      expect(
        new Set(
          table
            .trimEnd()
            .split('\n')
            .map((line) => line.split(',').length),
        ),
      ).toEqual(new Set([5]));
      expect(readSummary(run)).toMatchObject({ status: 'failed', message: expect.stringMatching(/iterations\.csv/) });
      rmSync(path.join(disk.directory, 'filler'));
      expect(await runClr(['run', '--resume', run])).toMatchObject({ code: 0 });
      expect(fingerprint(run)).toEqual(fingerprint(whole));
    } finally {
      disk.unmount();
    }
  });
});

describe.skipIf(!mayMountExt4)(`an ext4 disk${mayMountExt4 ? '' : ' (skipped: no loop device may be used)'}`, () => {
  it('that becomes read-only in mid-run is reported with the file not written; the run can resume', async () => {
    const disk = new Ext4Disk();
    try {
      const run = path.join(disk.directory, '1');
      const started = start(disk.directory);
      await waitFor(() => rows(run) > 20, started);
      disk.becomeReadOnly();
      const { code, stderr } = await started.ended;
      expect(stderr).toMatch(/\nclr: cannot write .*iterations\.csv: E(ROFS|IO).*\n {2}hint: .*--resume/);
      expect(stderr).not.toContain('lock-');
      expect(code).toBe(1);
      disk.repair();
      expect(await runClr(['run', '--resume', run])).toMatchObject({ code: 0 });
      expect(fingerprint(run)).toEqual(fingerprint(whole));
      expect(filesBelow(run).filter((file) => /lock-|tmp$/.test(file))).toEqual([]);
    } finally {
      disk.unmount();
    }
  });

  it.each([1, 2, 3, 4, 5])(
    'without a journal that loses power in mid-run (%d) holds a run that can be resumed',
    async (n) => {
      const disk = new Ext4Disk({ journal: false });
      const runs = path.join(disk.directory, 'runs');
      const started = startClr(['run', config, '--runs', runs, '--set', 'checkpoint.every_iterations=10']);
      await waitFor(() => rows(path.join(runs, '1')) > 10 * n - 10, started);
      await stopAtCheckpoint(path.join(runs, '1/checkpoints'), started);
      const after = new Ext4Disk({ copyOf: disk });
      try {
        started.child.kill('SIGKILL');
        await started.ended;
        const run = path.join(after.directory, 'runs/1');
        expect(existsSync(path.join(run, 'config.json'))).toBe(true); // it was there before the first row
        const { code, stderr } = await runClr(['run', '--resume', run]);
        expect(stderr).not.toMatch(/damaged|cut off|no checkpoint/);
        expect(code).toBe(0);
        expect(fingerprint(run)).toEqual(fingerprint(whole));
      } finally {
        after.unmount();
        disk.unmount();
      }
    },
  );
});

describe('a run folder that cannot be made', () => {
  it.each([
    ['below a file', path.join('base.json', 'x'), /cannot make .*ENOTDIR/],
    ['of a name that is too long', 'n'.repeat(300), /cannot make .*ENAMETOOLONG/],
  ])('%s is one line', async (_, name, message) => {
    writeFileSync(path.join(scratch, 'base.json'), '{}');
    for (const flag of ['--run-dir', '--runs']) {
      const { code, stderr } = await runClr(['run', config, flag, path.join(scratch, name)]);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/--debug|\n\s+at (?!operator)/);
      expect(code).toBe(2);
    }
  });

  it.skipIf(!mayMount)('completely leaves no lock', async () => {
    const disk = mountTmpfs('64m,nr_inodes=4'); // the root, the run folder, its lock, and one file: too few
    try {
      const { code, stderr } = await runClr(['run', config, '--runs', disk.directory]);
      expect(stderr).toMatch(/\nclr: cannot (write .*config\.json.*|make .*checkpoints): ENOSPC/);
      expect([1, 2]).toContain(code);
      expect(filesBelow(disk.directory).filter((file) => file.includes('lock-'))).toEqual([]);
    } finally {
      disk.unmount();
    }
  });
});

/** Stops the process while it writes its next checkpoint: the rows before it are on the disk. */
async function stopAtCheckpoint(folder: string, { child }: Started): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, (_, name) => {
      if (!name?.endsWith('.tmp')) return;
      child.kill('SIGSTOP');
      watcher.close();
      resolve();
    });
  });
}

/** Fills the disk. */
function fill(file: string): void {
  for (const size of [1 << 20, 1 << 12]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  }
}
