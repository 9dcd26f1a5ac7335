import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../config/schema.js';
import { type Random, randomStream } from '../../random.js';
import { readJson } from '../../runs/read-run.js';
import { firstIteration } from '../../training/position.js';
import { runClr, type Started, startClr, waitFor } from '../clr-process.js';
import { testSeed } from '../random-tests.js';
import { countRows, filesBelow, fingerprint, readSafetensors, readSummary } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-kill-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const perEpoch = 12; // iterations
const epochs = 10;
const config = {
  epochs,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 8 * perEpoch, val_size: 100 },
  augmentation: { flip: true, crop: { pad: 4 } },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.1, max_momentum: 0.95, min_momentum: 0.85 },
  backend: 'wasm',
  checkpoint: { every_iterations: 5, keep: 3 },
};
const real = process.env.CLR_TEST_DATA;
const adam = { optimizer: { type: 'adamw' }, schedule: { type: 'clr-beta', max_lr: 0.01 } };
const cifar10 = { dataset: { type: 'cifar10', train_limit: 8 * perEpoch + 4, val_limit: 100 }, drop_last: true };
const caffe = {
  order: 'fixed-cyclic',
  dataset: { ...config.dataset, train_size: 8 * perEpoch + 4 }, // so that batches span two epochs
  normalisation: 'mean-image',
  augmentation: { flip: true, flip_validation: true },
  model: { type: 'cifar3' },
  optimizer: { type: 'sgd', nesterov: true, lr_placement: 'inside', weight_decay: 0.003 },
  schedule: { ...config.schedule, max_lr: 0.01 },
};
const cases: [string, object, string | undefined][] = [
  ['generated images, SGD', config, undefined],
  ['generated images, as Caffe feeds and updates', { ...config, ...caffe }, undefined],
  ['real images, AdamW', { ...config, ...adam, ...cifar10 }, real],
];

type Phase = 'start' | 'mid-epoch' | 'checkpoint' | 'evaluation' | 'charts';
const between: Phase[] = ['mid-epoch', 'checkpoint', 'mid-epoch', 'evaluation'];
const phases: Phase[] = ['start', ...Array.from({ length: 17 }, (_, i) => between[i % 4]!), 'charts', 'charts'];

/** The updates done after that many epochs. */
function updatesBy(epochs: number, run: string): number {
  const { order } = readJson(run, 'config.json') as ExperimentConfig;
  return firstIteration(epochs, order === 'fixed-cyclic' ? perEpoch + 0.5 : perEpoch);
}

/** Kills `process` in `phase`, once `target` iterations are done; false if it ended first. */
async function killIn(phase: Phase, target: number, run: string, started: Started, random: Random): Promise<boolean> {
  const iterations = () => countRows(path.join(run, 'iterations.csv'));
  const evaluating = () => iterations() === updatesBy(countRows(path.join(run, 'metrics.csv')) + 1, run);
  const folder = phase === 'checkpoint' ? path.join(run, 'checkpoints') : run;
  const kill = () => started.child.kill('SIGKILL');
  const table = () => statSync(path.join(run, 'iterations.csv'), { throwIfNoEntry: false })?.ino;
  const before = table();
  const begun = () => table() !== before; // it has cut off the rows that the process before it left
  if (phase === 'start') {
    await waitFor(() => filesBelow(path.dirname(run)).length > 0, started);
    await sleep(random.integer(0, 20));
    return kill();
  }
  if (phase === 'charts') await waitFor(() => begun() && readSummary(run).status === 'completed', started);
  else if (!(await waitFor(() => begun() && iterations() >= target, started))) return false;
  if (phase === 'evaluation') await waitFor(evaluating, started);
  if (phase === 'evaluation' || phase === 'mid-epoch') {
    await sleep(random.integer(0, phase === 'evaluation' ? 5 : 60));
    return kill();
  }
  let events = random.integer(0, 5);
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, (_, name) => {
      if (!(name?.endsWith('.tmp') && events-- <= 0)) return;
      kill();
      watcher.close();
      resolve();
    });
    void started.ended.then(() => {
      watcher.close();
      resolve();
    });
  });
  return (await started.ended).signal === 'SIGKILL';
}

/** What the files say about where it was killed. */
function whereKilled(run: string): string {
  const files = filesBelow(run);
  const [epoch, iteration] = ['metrics.csv', 'iterations.csv'].map((name) => countRows(path.join(run, name)));
  const at = `iteration ${iteration}`;
  if (!files.includes('summary.json')) return `start (${files.join(' ') || 'no file'})`;
  if (readSummary(run).status === 'completed') return 'charts';
  const part = files.find((name) => name.startsWith('checkpoints/') && name.endsWith('.tmp'));
  if (part) return `checkpoint (${at}, ${part})`;
  return iteration === updatesBy(epoch! + 1, run) ? `evaluation (${at})` : `mid-epoch (${at})`;
}

describe.each(cases)('a run on %s', (name, settings, data) => {
  it.skipIf(name.startsWith('real') && !real)(
    `that is killed 20 times ends as one that was not${name.startsWith('real') && !real ? ' (skipped: CLR_TEST_DATA names no images)' : ''}`,
    async () => {
      const random = randomStream(testSeed, 'shuffle');
      const place = mkdtempSync(path.join(scratch, 'run-'));
      writeFileSync(path.join(place, 'config.json'), JSON.stringify(settings));
      const common = ['--cache', path.join(scratch, 'cache'), ...(data ? ['--data', data] : [])];
      const start = ['run', path.join(place, 'config.json'), ...common, '--runs'];
      const whole = path.join(place, 'whole/1');
      expect(await runClr([...start, path.dirname(whole)])).toMatchObject({ code: 0 });

      const run = path.join(place, 'killed/1');
      mkdirSync(path.dirname(run));
      const go = () => {
        const begun = filesBelow(place).includes('killed/1/config.json');
        return startClr(begun ? ['run', '--resume', run, ...common] : [...start, path.dirname(run)]);
      };
      const moments: string[] = [];
      for (const [i, phase] of phases.entries()) {
        const started = go();
        const target = Math.floor(((i - 1 + random.uniform()) / 18) * perEpoch * epochs);
        const killed = await killIn(phase, target, run, started, random);
        const { stderr } = await started.ended;
        expect(killed, `kill ${i} in ${phase}: ${stderr}`).toBe(true);
        moments.push(`${phase}: ${whereKilled(run)}`);
        if (readdirSync(path.dirname(run)).length > 0 && !filesBelow(run).includes('config.json'))
          rmSync(run, { recursive: true }); // nothing to resume yet
      }
      console.log(`${moments.join('\n')}`);
      for (const phase of ['mid-epoch', 'checkpoint', 'evaluation', 'charts'])
        expect(moments.filter((moment) => moment.includes(`: ${phase}`)).length, phase).toBeGreaterThan(0);

      expect(await go().ended).toMatchObject({ code: 0 });
      expect(fingerprint(run)).toEqual(fingerprint(whole));
      expect(filesBelow(run).filter((file) => !file.startsWith('checkpoints'))).toEqual(
        filesBelow(whole).filter((file) => !file.startsWith('checkpoints')),
      );
      expect(filesBelow(path.join(run, 'checkpoints'))).toEqual(
        ['best', 'last', 'previous-2', 'previous'].map((n) => `${n}.safetensors`),
      );
      for (const file of ['best', 'last', 'previous', 'previous-2'])
        expect(readSafetensors(path.join(run, `checkpoints/${file}.safetensors`)).metadata).toHaveProperty('sha256');
      expect(readSummary(run)).toMatchObject({ status: 'completed', iterations: updatesBy(epochs, run) });
    },
  );
});
