import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { readMetrics } from '../../runs/read-run.js';
import { scoreCheckpoint } from '../../training/score.js';
import { runClr } from '../clr-process.js';
import { readSafetensors } from '../run-files.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-ways-out-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe('a finished run', () => {
  const run = path.join(scratch, 'run');
  beforeAll(async () => {
    const config = path.join(scratch, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({
        epochs: 2,
        batch_size: 10,
        dataset: { type: 'synthetic', train_size: 40, val_size: 50 },
        model: { type: 'resnet', depth: 8 },
        schedule: { type: 'constant', lr: 0.05 },
        augmentation: { flip_validation: true },
        backend: 'wasm',
      }),
    );
    expect(await runClr(['run', config, '--run-dir', run])).toMatchObject({ code: 0 });
  }, 60_000);

  it('gets the same score again as during training', async () => {
    const { stdout } = await runClr(['evaluate', run, '--backend', 'wasm', '--json']);
    const { val_acc, val_loss } = readMetrics(run)[1]!;
    expect(JSON.parse(stdout)).toMatchObject({ accuracy: val_acc, loss: val_loss, images: 50, epoch: 2 });
  });

  it('is scored with the backend, precision, threads and device that the flags name', async () => {
    const evaluate = (...flags: string[]) => runClr(['evaluate', run, ...flags]);
    expect(await evaluate('--backend', 'wasm', '--precision', 'f32', '--threads', '1')).toMatchObject({ code: 0 });
    expect(await evaluate('--backend', 'wasm', '--precision', 'bf16')).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/computes in f32, not bf16/),
    });
    expect(await evaluate('--backend', 'wasm', '--device', 'gpu:1')).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/no devices to choose from, such as gpu:1/),
    });
    expect(await evaluate('--threads', 'many')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--threads: must be a number/),
    });
  }, 60_000);

  it('has no score if it is interrupted, and none of a checkpoint that does not exist', async () => {
    const config = loadConfig(path.join(run, 'config.json'));
    const options = { cacheDirectory: scratch, runs: scratch, verbose: false };
    const stopped = { ...options, signal: AbortSignal.abort(new Error('stopped')) };
    await expect(scoreCheckpoint(run, config, 'last', stopped)).rejects.toThrow('stopped');
    const { signal } = new AbortController();
    await expect(scoreCheckpoint(run, config, 'first', { ...options, signal })).rejects.toThrow(
      /run has no checkpoint `first`$/,
    );
  });

  it.each([
    [['plot', run, '--out', 'x.svg'], '--out needs several runs'],
    [['doctor', '--precision', 'bf16'], '--precision and --device need --kernels <backend>'],
    [['export', run, '--checkpoint', 'best'], '--checkpoint needs --weights <format>'],
    [['schedule', 'quickstart', '--lr-scale', 'log'], '--lr-scale needs --png <file>'],
    [['compare', run, '--chart-x', 'lr'], '--chart-x needs --chart <file>'],
  ])('is not read with a flag that would have no effect: %j', async (words, message) => {
    expect(await runClr(words)).toMatchObject({ code: 2, stderr: `clr: ${message}\n` });
  });

  it('writes its weights behind a link, into a folder that does not exist yet', async () => {
    const [link, target] = [path.join(scratch, 'link'), path.join(scratch, 'new/weights')];
    symlinkSync(target, link);
    expect(await runClr(['export', run, '--weights', 'safetensors', '--out', target])).toMatchObject({ code: 0 });
    const before = readFileSync(target);
    writeFileSync(target, '');
    expect(await runClr(['export', run, '--weights', 'safetensors', '--out', link])).toMatchObject({ code: 0 });
    expect([lstatSync(link).isSymbolicLink(), readFileSync(target).equals(before)]).toEqual([true, true]);
  });

  it('is estimated up to --until-epoch', async () => {
    const { stdout } = await runClr(['run', path.join(run, 'config.json'), '--dry-run', '--until-epoch', '1']);
    expect(stdout).toMatch(/: 4 iterations\n/);
  });

  it('has every setting in a table of runs, even if none differs', async () => {
    const { stdout } = await runClr(['export', run, '--per', 'run']);
    expect(stdout).toMatch(/^run,name,seed,status,.*batch_size.*schedule\.lr/);
  });

  it('exports its weights with what their use needs, in one file', async () => {
    const { stdout } = await runClr(['export', run, '--weights', 'safetensors']);
    const { metadata, tensors } = readSafetensors(stdout.trim());
    expect(tensors['layer1.0.conv1.weight']?.slice(0, 2)).toEqual(['F32', [16, 16, 3, 3]]);
    expect(tensors['bn1.num_batches_tracked']).toEqual(['I64', [], '0800000000000000']); // 2 epochs of 4 updates
    expect(JSON.parse(metadata.mean!)).toHaveLength(3);
    expect(JSON.parse(metadata.model!)).toMatchObject({ depth: 8, bn_epsilon: 1e-5 });
  });
});

describe('completion in bash', () => {
  const complete = async (...words: string[]) => {
    const script = (await runClr(['completion', 'bash'])).stdout;
    const list = words.map((word) => JSON.stringify(word)).join(' ');
    const ask = `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _clr; echo "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8' }).stdout.trim();
  };

  it.each([
    [['clr', 'eval'], 'evaluate'],
    [['clr', 'export', '--fo'], '--format'],
    [['clr', 'export', '--format', ''], 'csv json'],
    [['clr', 'run', 'conf'], ''], // files: bash completes them
    [['clr', 'run', 'quick'], 'quickstart'],
    [['clr', 'run', '--data', 'quick'], ''],
    [['clr', 'show', 'clr-b'], 'clr-beta'],
    [['clr', 'bench', '--backend', 'one'], 'onednn'],
    [['clr', 'completion', ''], 'bash zsh fish'],
  ])('of %j is %j', async (words, expected) => {
    expect(await complete(...words)).toBe(expected);
  });
});
