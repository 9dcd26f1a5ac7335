import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runClr, startClr, waitFor } from '../../testing/clr-process.js';
import { countRows, fingerprint } from '../../testing/run-files.js';
import { tensorflow } from './index.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-tensorflow-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const availability = await tensorflow.probe();
if (!availability.usable) console.log(`TensorFlow is not tested: ${availability.reason}`);

describe.skipIf(!availability.usable)('with TensorFlow', () => {
  it('a run that is killed three times ends like an uninterrupted one, to the last byte', async () => {
    const config = path.join(scratch, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({
        epochs: 6,
        batch_size: 8,
        dataset: { type: 'synthetic', train_size: 160, val_size: 50 },
        augmentation: { flip: true, crop: { pad: 4 } },
        model: { type: 'resnet', depth: 8 },
        schedule: { type: 'clr-beta', max_lr: 0.1, max_momentum: 0.95, min_momentum: 0.85 },
        backend: 'tensorflow',
        checkpoint: { every_iterations: 5 },
      }),
    );
    const [whole, killed] = [path.join(scratch, 'whole'), path.join(scratch, 'killed')];
    expect(await runClr(['run', config, '--run-dir', whole])).toMatchObject({ code: 0 });

    const iterations = () => countRows(path.join(killed, 'iterations.csv'));
    for (const target of [13, 47, 92]) {
      const started = startClr(target === 13 ? ['run', config, '--run-dir', killed] : ['run', '--resume', killed]);
      expect(await waitFor(() => iterations() >= target, started)).toBe(true);
      started.child.kill('SIGKILL');
      await started.ended;
    }
    expect(await runClr(['run', '--resume', killed])).toMatchObject({ code: 0 });
    expect(fingerprint(killed)).toEqual(fingerprint(whole));
  });

  it("clr prints none of TensorFlow's log", async () => {
    const { code, stderr } = await runClr(['bench', '--backend', 'tensorflow', '--depth', '8', '--steps', '1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe.skipIf(!availability.usable)('the build for GPUs', () => {
  const setUp = (...flags: string[]) =>
    spawnSync(process.execPath, ['scripts/setup-tensorflow/setup.mjs', ...flags], { encoding: 'utf8' });
  afterAll(() => void setUp());

  it('loads without a card, says why it computes on the processor, and trains', async () => {
    expect(setUp('--gpu', '--system-cuda')).toMatchObject({ status: 0 });
    const { code, stdout, stderr } = await runClr(['bench', '--backend', 'tensorflow', '--depth', '8', '--steps', '1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    if (!stdout.startsWith('tensorflow on gpu')) expect(stdout).toMatch(/; no GPU: .*\), f32/);
    const onGpu = await runClr(['bench', '--backend', 'tensorflow', '--device', 'gpu', '--depth', '8', '--steps', '1']);
    if (onGpu.code !== 0) {
      expect(onGpu.code).toBe(5);
      expect(onGpu.stderr).toMatch(/^clr: TensorFlow computes on the processor here, not on gpu \(no GPU: .*\)/);
    }
  });
});
