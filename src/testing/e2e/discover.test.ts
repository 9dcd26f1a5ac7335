import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it, test } from 'vitest';
import { catalogue, findType, sampleCurve } from '../../config/catalogue.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const work = mkdtempSync(path.join(tmpdir(), 'clr-discover-'));
const clr = (...args: string[]) =>
  execa('node', [path.join(root, 'bin/clr.js'), ...args], { reject: false, cwd: work, env: { CI: '1' } });

const tiny = ['--backend', 'wasm', '--set', 'dataset.train_size=64', '--set', 'dataset.val_size=32', '--epochs', '1'];

describe('clr show', () => {
  it('lists every kind with its types', async () => {
    const { stdout, exitCode } = await clr('show');
    expect(exitCode).toBe(0);
    for (const line of [
      /^schedule:$/m,
      /^ {2}clr-beta +fastai 0\.7's/m,
      /^model:$/m,
      /^ {2}adamw /m,
      /onednn, wasm, cpu/,
    ])
      expect(stdout).toMatch(line);
  });

  it('shows a schedule with its formula, source, options, defaults, and its shape', async () => {
    const { stdout } = await clr('show', 'clr-beta');
    expect(stdout).toMatch(/^schedule clr-beta\nfastai 0\.7's use_clr_beta/);
    expect(stdout).toMatch(/\n {4}c = floor\(iterations/);
    expect(stdout).toMatch(/\nsource: https:\/\/github\.com\/fastai\/fastai\/pull\/296\n/);
    expect(stdout).toMatch(/\n {2}pct: number in \[0, 100\), default 10\n {6}length of the tail, percent of the run\n/);
    expect(stdout).toMatch(/\n {2}max_lr: number > 0, required\n/);
    const [top] = stdout.split('LR over 30 epochs with max_lr 1:\n')[1]!.split('\n');
    expect(top).toMatch(/^ +1 ┤ {20,}●+$/); // the peak, in the middle
  });

  it.each([
    ['OneCycleLR', /^OneCycleLR: in clr this is one-cycle\n\nschedule one-cycle\n/],
    ['fit_one_cycle', /^fit_one_cycle: in clr this is one-cycle with preset: fastai-v2\n/],
    ['AdamW', /^optimizer adamw\n/],
    ['resnet56', /^resnet56: in clr this is resnet with depth: 56\n\nmodel resnet\n/],
    ['wasm', /^backend wasm\nprecisions: f32; threads: one\n/],
    ['optimizer', /^optimizer:\n {2}sgd /],
  ])('knows %s', async (name, text) => {
    expect((await clr('show', name)).stdout).toMatch(text);
  });

  it('can draw every schedule', () => {
    for (const { type } of catalogue('schedule')) {
      const rows = sampleCurve(findType(type));
      expect({ type, drawn: rows.every(({ lr, momentum }) => lr >= 0 && momentum >= 0) }).toEqual({
        type,
        drawn: true,
      });
    }
  });

  it('explains names that it does not have', async () => {
    expect(await clr('show', 'clr-bta')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/did you mean "clr-beta"/),
    });
    expect((await clr('show', 'ReduceLROnPlateau')).stderr).toMatch(
      /not supported: a schedule depends on the iteration/,
    );
    expect((await clr('show', 'wd')).stderr).toMatch(/wd: in clr this is weight_decay, an option of the optimizer/);
    expect((await clr('show', 'batch_size')).stderr).toMatch(
      /batch_size is a config key, not a type: images per update/,
    );
    expect((await clr('show', 'wsd')).stdout).toContain('a duration: { epochs: 4 }');
    expect((await clr('show', 'warmup_from')).stderr).toMatch(/warmup_from is an option of constant, /);
  });
});

describe('clr config', () => {
  it('names the place that set each key', async () => {
    const { stdout, exitCode } = await clr('config', 'cpu-1cycle', '--epochs', '3', '--set', 'schedule.max_lr=2');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^epochs: 3 # --epochs$/m);
    expect(stdout).toMatch(/^ {2}max_lr: 2 # --set schedule\.max_lr$/m);
    expect(stdout).toMatch(/^ {2}pct: 13\.68 # .*configs\/rn56-1cycle\.json:10$/m);
    expect(stdout).toMatch(/^batch_size: 256 # .*override\/cpu-scale\.json:4$/m);
    expect(stdout).toMatch(/^seed: 1 # default$/m);
    expect(stdout).not.toMatch(/depth/); // the net is defined by its blocks
  });

  it('prints a config that runs unchanged', async () => {
    const { stdout } = await clr('config', 'quickstart', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ name: 'quickstart', schedule: { type: 'clr-beta', tail_div: 100 } });
  });
});

describe('a first look', () => {
  test.each([
    [['train', 'x.json'], 'in clr this is clr run CONFIG'],
    [['fit'], 'in clr this is clr run CONFIG'],
    [['lr_find'], 'did you mean "lrfind"?'],
    [['lr_range_test'], 'in clr this is clr lrfind'],
    [['swep'], 'did you mean "sweep"?'],
    [['schedule'], 'e.g. clr schedule rn56-1cycle'],
    [['compare'], 'e.g. clr compare runs/1 runs/2'],
    [['run'], 'e.g. clr run quickstart'],
  ])('%s: %s', async (args, hint) => {
    const { exitCode, stderr } = await clr(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`hint: ${hint}`);
  });

  test('-v prints the version', async () => {
    expect((await clr('-v')).stdout).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('every command shows an example in its help', async () => {
    const { stdout } = await clr('--help');
    const commands = [...stdout.matchAll(/^ {2}(\w+) .*\[options\]/gm)].map(([, name]) => name!);
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands)
      expect((await clr(command, '--help')).stdout).toMatch(new RegExp(`\nExamples:\n {2}clr ${command}`));
  }, 60_000);

  test('a dry run says what would run, and leaves nothing', async () => {
    const { exitCode, stdout } = await clr('run', 'quickstart', ...tiny, '--dry-run');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^quickstart: resnet on synthetic, schedule clr-beta, 1 epochs of batch 64: 1 iterations\n/);
    expect(stdout).toMatch(/about [\d.]+ s on this machine, estimated from 3 training steps/);
    expect((await clr('plot', 'runs')).stderr).toMatch(/runs: does not exist/);
    await clr('run', 'quickstart', ...tiny, '--runs', 'dry');
    const more = ['--resume', 'dry/1', '--epochs', '3', '--dry-run'];
    expect((await clr('run', ...more)).stdout).toMatch(/: 3 iterations, 1 of them done\nabout [\d.]+ s more on/);
  }, 60_000);

  test('a run ended by max_iterations says so, also in its summary; resuming a completed run says so too', async () => {
    const { stdout } = await clr('run', 'quickstart', ...tiny, '--set', 'batch_size=16', '--max-iterations', '2');
    expect(stdout).toMatch(/\nstopped by max_iterations after 2 of 4 iterations\n/);
    const { stderr, exitCode } = await clr('run', '--resume', 'latest', '--json');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^runs\/1 has completed: stopped by max_iterations after 2 of 4 iterations$/m);
    await clr('run', 'quickstart', ...tiny);
    expect((await clr('run', '--resume', 'latest')).stderr).toMatch(
      /^runs\/2 has completed all its epochs; --epochs N/m,
    );
  }, 60_000);
});
