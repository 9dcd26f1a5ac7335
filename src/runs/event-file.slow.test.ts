import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runClr, startClr, waitFor } from '../testing/clr-process.js';
import { askPython, findPython } from '../testing/python.js';
import { countRows } from '../testing/run-files.js';
import { recordsOf } from './event-file.js';
import { readIterations, readMetrics } from './read-run.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-tensorboard-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Answer {
  scalars: Record<string, [step: number, value: number][]>;
  group: string;
  settings: Record<string, unknown>;
  status: number;
}

describe.skipIf(!findPython(['tensorboard']))('TensorBoard reads of a run,', () => {
  it('killed three times, every point exactly once', async () => {
    const config = path.join(scratch, 'board.json');
    const [perEpoch, epochs] = [10, 4];
    writeFileSync(
      config,
      JSON.stringify({
        name: 'an arm',
        epochs,
        batch_size: 8,
        dataset: { type: 'synthetic', train_size: 8 * perEpoch, val_size: 50 },
        model: { type: 'resnet', depth: 8 },
        schedule: { type: 'clr-beta', max_lr: 0.1 },
        backend: 'wasm',
        log: { tensorboard: true },
        checkpoint: { every_iterations: 4 },
      }),
    );
    const run = path.join(scratch, 'run');
    for (const target of [3, 16, 32]) {
      const started = startClr(target === 3 ? ['run', config, '--run-dir', run] : ['run', '--resume', run]);
      await waitFor(() => countRows(path.join(run, 'iterations.csv')) >= target, started);
      started.child.kill('SIGKILL');
      await started.ended;
    }
    expect(await runClr(['run', '--resume', run])).toMatchObject({ code: 0 });

    const { scalars, group, settings, status } = askPython<Answer>(
      'scripts/tensorboard-reference.py',
      ['tensorboard'],
      { folder: run },
    )!;
    const [updates, rows] = [readIterations(run), readMetrics(run)];
    expect(updates).toHaveLength(perEpoch * epochs);
    for (const key of ['lr', 'momentum', 'loss'] as const)
      expect(scalars[`iteration/${key}`]).toEqual(updates.map((row) => [row.iteration, Math.fround(row[key])]));
    for (const key of ['train_loss', 'train_acc', 'val_loss', 'val_acc'] as const)
      expect(scalars[`epoch/${key}`]).toEqual(rows.map((row) => [row.iteration, Math.fround(row[key])]));
    expect(group).toBe('an arm');
    expect(settings).toMatchObject({
      batch_size: 8,
      'schedule.max_lr': 0.1,
      'model.conv_bias': false,
      backend: 'wasm',
    });
    expect(status).toBe(1); // STATUS_SUCCESS

    const [name] = readdirSync(run).filter((file) => file.startsWith('events.out.tfevents.'));
    const events = recordsOf(readFileSync(path.join(run, name!)));
    expect(events[0]!.toString('latin1')).toContain('brain.Event:2');
  });
});
