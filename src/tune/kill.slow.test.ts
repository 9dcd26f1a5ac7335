import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { runClr, startClr } from '../testing/clr-process.js';
import type { TuneRecord } from './record.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'clr-tune-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

process.env.CLR_CONVOLUTION = 'direct'; // else each run may choose other ways, which differ in rounding

const config = {
  name: 'tiny',
  epochs: 2,
  batch_size: 10,
  dataset: { type: 'synthetic', train_size: 100, val_size: 30 },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'constant', lr: 0.01, momentum: 0.9 },
};

const json = (out: string, name: string) => JSON.parse(readFileSync(path.join(out, name), 'utf8'));
const decisions = (out: string) => (json(out, 'tune.json') as TuneRecord).decisions.map(({ seconds, ...rest }) => rest);

it('a recipe that is killed three times and resumed makes the same decisions', async () => {
  const file = path.join(root, 'tiny.json');
  writeFileSync(file, JSON.stringify(config));
  const [undisturbed, disturbed] = [path.join(root, 'undisturbed'), path.join(root, 'disturbed')];
  const args = (out: string) => [
    'tune',
    file,
    '--out',
    out,
    '--budget',
    '60epochs',
    '--stages',
    'lr,momentum',
    '--jobs',
    '2',
  ];
  const started = Date.now();
  expect(await runClr(args(undisturbed))).toMatchObject({ code: 0 });
  const duration = Date.now() - started;
  expect(decisions(undisturbed).map(({ stage }) => stage)).toEqual(['range', 'lr', 'momentum']);

  for (const share of [0.2, 0.4, 0.6]) {
    const { child, ended } = startClr(args(disturbed));
    await sleep(share * duration);
    child.kill('SIGKILL');
    await ended;
  }
  expect(await runClr(args(disturbed))).toMatchObject({ code: 0 });
  expect(decisions(disturbed)).toEqual(decisions(undisturbed));
  expect(json(disturbed, 'tuned.json')).toEqual(json(undisturbed, 'tuned.json'));
  const other = await runClr([...args(disturbed), '--seeds', '7']);
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('began with other settings: --seeds') });
}, 1_800_000);
