import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { onednn } from '../../backends/onednn/index.js';
import { readJson } from '../../runs/read-run.js';
import { runClr } from '../clr-process.js';
import { fingerprint } from '../run-files.js';

const availability = await onednn.probe();
if (!availability.usable) console.warn(`onednn skipped: ${availability.reason}; ${availability.remedy}`);

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-convolutions-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const config = path.join(scratch, 'config.json');
writeFileSync(
  config,
  JSON.stringify({
    epochs: 2,
    batch_size: 8,
    dataset: { type: 'synthetic', train_size: 20, val_size: 10 },
    model: { type: 'resnet', depth: 8 },
    schedule: { type: 'constant', lr: 0.1 },
    backend: 'onednn',
  }),
);

/** Runs the program on a run folder; its cache is empty at first. */
async function clr(run: string, cache: string, args: string[], env: Record<string, string> = {}) {
  const cached = ['--cache', path.join(scratch, cache)];
  const { stderr, code } = await runClr(['run', ...args, ...cached], { env });
  expect(code, stderr).toBe(0);
  return fingerprint(path.join(scratch, run));
}
const start = (run: string, cache: string, env?: Record<string, string>, ...more: string[]) =>
  clr(run, cache, [config, '--run-dir', path.join(scratch, run), ...more], env);

const waysOf = (run: string) => (readJson(path.join(scratch, run), 'environment.json') as { ways: object }).ways;

describe.runIf(availability.usable)('a run with convolutions that can be computed in two ways', () => {
  it('is resumed in the ways with which it began, and ends as if it had never stopped', async () => {
    const direct = { CLR_CONVOLUTION: 'direct' };
    const [whole, other] = await Promise.all([
      start('whole', 'one', direct),
      start('other', 'one', { CLR_CONVOLUTION: 'winograd' }),
      start('resumed', 'one', direct, '--until-epoch', '1'),
    ]);
    expect(other).not.toEqual(whole);
    const recorded = waysOf('resumed');
    expect(new Set(Object.values(recorded))).toEqual(new Set(['direct']));
    expect(await clr('resumed', 'another', ['--resume', path.join(scratch, 'resumed')])).toEqual(whole);
    expect(waysOf('resumed')).toEqual(recorded);
  }, 120_000);

  it('computes the same as another that measures at the same time', async () => {
    const [a, b] = await Promise.all(['a', 'b'].map((run) => start(run, 'shared')));
    expect(a).toEqual(b);
    expect(waysOf('a')).toEqual(waysOf('b'));
  }, 120_000);
});
