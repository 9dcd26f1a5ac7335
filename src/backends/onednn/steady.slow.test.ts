import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startClr, waitFor } from '../../testing/clr-process.js';
import { countRows } from '../../testing/run-files.js';
import { onednn } from './index.js';

const availability = await onednn.probe();
if (!availability.usable) console.warn(`onednn skipped: ${availability.reason}; ${availability.remedy}`);

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-steady-onednn-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const epochs = 8;
const config = {
  epochs,
  batch_size: 256,
  dataset: { type: 'synthetic', train_size: 1000, val_size: 200 }, // the last batches are partial
  model: { type: 'resnet', depth: 56 },
  schedule: { type: 'clr-beta', max_lr: 0.1 },
  backend: 'onednn',
};

/** Keeps the garbage that V8 has not collected yet small. */
const node = ['--max-semi-space-size=4'];

const residentMiB = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

describe.runIf(availability.usable).each(['f32', 'bf16'])('on onednn in %s', (precision) => {
  it('the memory of a run stays within 3 % from the second epoch on', async () => {
    const file = path.join(scratch, `${precision}.json`);
    writeFileSync(file, JSON.stringify({ ...config, precision }));
    const run = path.join(scratch, precision);
    const started = startClr(['run', file, '--run-dir', run], { node });
    const resident: number[] = [];
    for (let epoch = 1; epoch < epochs; epoch++) {
      const reached = await waitFor(() => countRows(path.join(run, 'metrics.csv')) >= epoch, started);
      if (reached) resident.push(residentMiB(started.child.pid!));
    }
    expect(await started.ended).toMatchObject({ code: 0 });
    console.log(`MiB after each epoch: ${resident.map((mib) => mib.toFixed(0)).join(' ')}`);
    expect(resident).toHaveLength(epochs - 1);
    const [second, ...later] = resident.slice(1);
    for (const mib of later) expect(Math.abs(mib / second! - 1)).toBeLessThan(0.03);
  });
});
