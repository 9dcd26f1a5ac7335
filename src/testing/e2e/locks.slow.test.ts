import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runClr, startClr, waitFor } from '../clr-process.js';
import { countRows, fingerprint, readSummary } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-locks-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const program = fileURLToPath(new URL('../../../bin/clr.js', import.meta.url));

const settings = {
  epochs: 3,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 64, val_size: 40 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.1 },
  backend: 'wasm',
};
const config = path.join(scratch, 'base.json');
const file = path.join(scratch, 'sweep.json');
writeFileSync(config, JSON.stringify(settings));
writeFileSync(file, JSON.stringify({ name: 'locked', base: 'base.json', seeds: 3 }));
const sweep = (out: string, ...more: string[]) => runClr(['sweep', file, '--out', out, ...more]);
const folder = (out: string, seed: number) => path.join(out, 'locked', `seed-${seed}`);
const lockOfAnotherHost = 'lock-gone.example-0123456789ab-4026531836-7-99';
const lock = (directory: string) => writeFileSync(path.join(directory, lockOfAnotherHost), '');

describe('a sweep, some of whose runs are locked by a process on a host that is gone,', () => {
  const whole = path.join(scratch, 'whole');
  const out = path.join(scratch, 'out');
  beforeAll(async () => {
    expect(await sweep(whole)).toMatchObject({ code: 0 });
    const interrupted = startClr(['sweep', file, '--out', out, '--jobs', '2']);
    const rows = (seed: number) => countRows(path.join(folder(out, seed), 'iterations.csv'));
    await waitFor(() => rows(2) > 8, interrupted);
    interrupted.child.kill('SIGINT');
    await interrupted.ended;
    rmSync(folder(out, 1), { recursive: true });
    cpSync(folder(whole, 1), folder(out, 1), { recursive: true });
    for (const seed of [1, 2]) lock(folder(out, seed));
  }, 600_000);

  it('skips them, trains the others, and exits with 4, naming the holder and the command that takes over', async () => {
    const before = countRows(path.join(folder(out, 2), 'iterations.csv'));
    const { stdout } = await sweep(out, '--dry-run');
    expect(stdout).toMatch(/^completed +locked\/seed-1\nlocked +locked\/seed-2\npending +locked\/seed-3\n/);
    const { code, stderr } = await sweep(out);
    expect(stderr).toMatch(
      new RegExp(`\nclr: locked: ${folder(out, 2)} by process 7 on gone\\.example for [\\d.]+ s\n  hint: .*\n`),
    );
    expect(stderr).toContain(`\nclr run --resume ${folder(out, 2)} --take-over\n`);
    expect(code).toBe(4);
    expect(readSummary(folder(out, 3)).status).toBe('completed');
    expect(countRows(path.join(folder(out, 2), 'iterations.csv'))).toBe(before);
  });

  it('resumes them with --take-over', async () => {
    expect(await sweep(out, '--take-over')).toMatchObject({ code: 0 });
    for (const seed of [1, 2, 3]) expect(fingerprint(folder(out, seed))).toEqual(fingerprint(folder(whole, seed)));
    expect(existsSync(path.join(folder(out, 2), lockOfAnotherHost))).toBe(false);
  });

  it('is itself refused while such a process holds its lock, until it is taken over', async () => {
    lock(out);
    const refused = await sweep(out);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /out is in use by process 7 on gone\.example, since 20.*\n {2}hint: .*--take-over\n$/,
    );
    const printed = await sweep(out, '--print-commands', '--take-over');
    expect(printed).toMatchObject({ code: 0, stdout: '' }); // all are done
    lock(out);
    expect(await sweep(out, '--take-over')).toMatchObject({ code: 0 });
  });
});

it('a run that a batch system warns by SIGUSR2 is resumed by its sweep, not repeated', async () => {
  const out = path.join(scratch, 'warned');
  const warned = startClr(['sweep', file, '--out', out, '--seeds', '1']);
  const iterations = path.join(folder(out, 1), 'iterations.csv');
  await waitFor(() => countRows(iterations) > 8, warned);
  const name = readdirSync(folder(out, 1)).find((entry) => entry.startsWith('lock-'))!;
  process.kill(Number(/-(\d+)-\d+$/.exec(name)![1]), 'SIGUSR2');
  await warned.ended;
  const { runs } = JSON.parse(readFileSync(path.join(out, 'sweep.json'), 'utf8')) as { runs: { status: string }[] };
  expect(runs.map(({ status }) => status)).toEqual(['interrupted']);
  const before = countRows(iterations);
  expect(await sweep(out, '--seeds', '1')).toMatchObject({ code: 0 });
  expect([before > 8, countRows(iterations)]).toEqual([true, 24]);
  expect(existsSync(`${folder(out, 1)}.failed`)).toBe(false);
}, 120_000);

const namespaces = process.getuid?.() === 0;
it.skipIf(!namespaces)(
  `a run is refused to a process of another PID namespace that has the same host name and PID${namespaces ? '' : ' (skipped: only root may make one)'}`,
  async () => {
    const run = path.join(scratch, 'contained/1');
    const inContainer = (...args: string[]) =>
      spawn('unshare', ['--pid', '--fork', '--mount-proc', process.execPath, program, ...args], { stdio: 'pipe' });
    const first = inContainer('run', config, '--run-dir', run);
    while (countRows(path.join(run, 'iterations.csv')) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    const second = inContainer('run', '--resume', run);
    let stderr = '';
    second.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = await once(second, 'close');
    expect(stderr).toMatch(/is in use by process 1 on \S+ \(another container or machine of this name\), since/);
    expect(code).toBe(2);
    expect((await once(first, 'exit'))[0]).toBe(0);
    expect(readdirSync(run).filter((name) => name.startsWith('lock-'))).toEqual([]);
  },
);
