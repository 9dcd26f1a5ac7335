import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const work = mkdtempSync(path.join(tmpdir(), 'clr-cli-'));
const clr = (...args: string[]) =>
  execa('node', [path.join(root, 'bin/clr.js'), ...args], {
    reject: false,
    cwd: work,
    env: { CLR_DATA: undefined, CLR_CACHE: path.join(work, 'cache'), CI: '1' },
  });
const small = [
  path.join(root, 'configs/quickstart.json'),
  '--backend',
  'wasm',
  '--set',
  'dataset.train_size=64',
  '--set',
  'dataset.val_size=32',
  '--epochs',
  '2',
];
const text = (...parts: string[]) => readFileSync(path.join(work, ...parts), 'utf8');

describe('a run', () => {
  beforeAll(async () => {
    const { exitCode, stdout } = await clr('run', ...small);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^val_acc [\d.]+ % \(best [\d.]+ % at epoch \d\)\nrun folder runs\/1$/);
  }, 120_000);

  it('leaves every file of a run folder', () => {
    expect(readdirSync(path.join(work, 'runs/1')).sort()).toEqual(
      [
        ...['checkpoints', 'config.json', 'environment.json', 'iterations.csv', 'metrics.csv', 'predictions.bin'],
        'summary.json',
        ...['curves', 'loss-vs-lr', 'lr-momentum'].flatMap((name) => [`${name}.png`, `${name}.vl.json`]),
      ].sort(),
    );
    expect(JSON.parse(text('runs/1/summary.json'))).toMatchObject({ status: 'completed', epochs: 2, iterations: 2 });
    expect(JSON.parse(text('runs/1/environment.json'))).toMatchObject({
      backend: 'wasm',
      precision: 'f32',
      threads: 1,
    });
    expect(text('runs/1/metrics.csv').trimEnd().split('\n')).toHaveLength(3);
    expect(text('runs/1/iterations.csv')).toMatch(/^iteration,epoch,lr,momentum,loss\n0,1,/);
  });

  it('is reproduced by its own config.json, to the byte except for times', async () => {
    const { exitCode } = await clr('run', 'runs/1/config.json');
    expect(exitCode).toBe(0);
    expect(text('runs/2/iterations.csv')).toBe(text('runs/1/iterations.csv'));
    const withoutTimes = (run: string) => text(run, 'metrics.csv').replaceAll(/,[^,]+,[^,]+$/gm, '');
    expect(withoutTimes('runs/2')).toBe(withoutTimes('runs/1'));
  }, 60_000);

  it('is redrawn by plot', async () => {
    const { exitCode, stdout } = await clr('plot', 'runs/1', '--lr-scale', 'log');
    expect(exitCode).toBe(0);
    const { width, height } = await sharp(path.join(work, stdout.split('\n')[0]!)).metadata();
    expect(width).toBeGreaterThan(800);
    expect(height).toBeGreaterThan(300);
  }, 60_000);

  it('that diverges exits with 3 and leaves valid files', async () => {
    const { exitCode, stderr } = await clr(
      'run',
      ...small,
      '--set',
      'schedule={type: constant, lr: 1e30}',
      '--set',
      'batch_size=16',
      '--runs',
      'diverging',
    );
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/clr: diverged: loss NaN at iteration \d+ .*LR 1e\+30, momentum 0.9/);
    expect(JSON.parse(text('diverging/1/summary.json'))).toMatchObject({ status: 'diverged' });
    expect(existsSync(path.join(work, 'diverging/1/lr-momentum.png'))).toBe(true);
  }, 60_000);

  it('that is interrupted writes a checkpoint, exits with 130, and resumes to the same end', async () => {
    const longer = [...small, '--set', 'batch_size=8', '--runs', 'interrupted'];
    await clr('run', ...longer);
    const child = clr('run', ...longer);
    const rows = path.join(work, 'interrupted/2/iterations.csv');
    while (!existsSync(rows) || readFileSync(rows, 'utf8').split('\n').length < 5)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT');
    expect((await child).exitCode).toBe(130);
    expect(JSON.parse(text('interrupted/2/summary.json'))).toMatchObject({ status: 'interrupted' });
    const { exitCode } = await clr('run', '--resume', 'latest', '--runs', 'interrupted');
    expect(exitCode).toBe(0);
    expect(text('interrupted/2/iterations.csv')).toBe(text('interrupted/1/iterations.csv'));
  }, 120_000);
});

describe('misuse', () => {
  const config = (name: string, content: string) => {
    writeFileSync(path.join(work, name), content);
    return name;
  };
  const quick = path.join(root, 'configs/quickstart.json');
  const real = path.join(root, 'configs/cifar10-small.json');

  it.each<[string, number, RegExp, () => string[]]>([
    ['no command', 2, /usage|command/i, () => []],
    ['an unknown command', 2, /unknown command 'rum'/, () => ['rum']],
    ['an unknown option', 2, /unknown option '--epoch'.*--epochs/, () => ['run', quick, '--epoch', '3']],
    ['a missing config', 2, /cannot read the config none.json/, () => ['run', 'none.json']],
    [
      'a misspelt key',
      2,
      /a.json:1: unknown key "epoch", did you mean "epochs"/,
      () => ['run', config('a.json', '{"epoch": 1, "extends": "runs/1/config.json"}')],
    ],
    [
      'more generated images than there may be',
      2,
      /train_size: must be at most 1000000 \(it is 100000000000\)/,
      () => ['run', quick, '--set', 'dataset.train_size=1e11'],
    ],
    [
      'an unknown schedule',
      2,
      /unknown schedule "clr-bta", did you mean "clr-beta"/,
      () => ['run', quick, '--set', 'schedule.type=clr-bta'],
    ],
    [
      'a negative batch size',
      2,
      /batch_size: must be at least 1 \(it is -1\)/,
      () => ['run', quick, '--set', 'batch_size=-1'],
    ],
    ['an unknown backend', 2, /unknown backend "wsm", did you mean "wasm"/, () => ['run', quick, '--backend', 'wsm']],
    ['missing data', 4, /no\.tar\.gz/, () => ['run', real, '--data', 'no.tar.gz']],
    [
      'an unwritable output folder',
      2,
      /cannot make a run folder in blocked/,
      () => ['run', ...small, '--runs', config('blocked', '')],
    ],
    ['a run that is none', 4, /nowhere: does not exist/, () => ['plot', 'nowhere']],
  ])('%s exits with %d', async (_name, expected, message, args) => {
    const { exitCode, stderr } = await clr(...args());
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(expected);
    expect(stderr).not.toMatch(/\n\s+at /); // no stack
  });

  it('leaves no run folder', () => {
    expect(readdirSync(path.join(work, 'runs'))).toHaveLength(2);
  });
});

describe('the program', () => {
  it('shows its help in under 150 ms of processor time; on a slow processor, in 2.5 times as much as Node itself', async () => {
    const report = 'process.on("exit", () => console.error(JSON.stringify(process.cpuUsage())));';
    const node = ['--import', `data:text/javascript,${encodeURIComponent(report)}`];
    /** The least of five times: a busy processor only adds to it. */
    const milliseconds = async (...args: string[]) => {
      const times: number[] = [];
      for (let i = 0; i < 5; i++) {
        const { user, system } = JSON.parse((await execa('node', [...node, ...args])).stderr); // microseconds
        times.push((user + system) / 1000);
      }
      return Math.min(...times);
    };
    const bare = await milliseconds('--eval', '0');
    const help = await milliseconds(path.join(root, 'bin/clr.js'), '--help');
    console.log(`processor time: node ${bare.toFixed(0)} ms, help ${help.toFixed(0)} ms`);
    expect(help).toBeLessThan(Math.max(150, 2.5 * bare));
  });

  it('prints the schedule as CSV', async () => {
    const { stdout } = await clr('schedule', path.join(root, 'configs/rn56-1cycle.json'), '--batches', '98');
    const rows = stdout
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').map(Number) as [number, number, number, number]);
    expect(rows).toHaveLength(9310);
    const at = (iteration: number) => rows[iteration]!.slice(2);
    expect(at(0)).toEqual([0.08, 0.95]);
    expect(at(4018)).toEqual([0.8, expect.closeTo(0.85, 12)]);
    expect(at(8036)[0]).toBeCloseTo(0.08, 10);
    expect(at(9309)[0]).toBeCloseTo(0.00086, 5);
    expect(at(9309)[1]).toBe(0.95);
    const short = await clr('schedule', 'rn56-1cycle', '--batches', '98', '--epochs', '2');
    expect(short.stdout.trim().split('\n')).toHaveLength(1 + 2 * 98);
  });
});
