import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClrError } from '../errors.js';
import { type ConfigOverrides, loadConfig } from './load.js';

const directory = mkdtempSync(path.join(tmpdir(), 'clr-config-'));
function file(name: string, text: string): string {
  const full = path.join(directory, name);
  writeFileSync(full, text);
  return full;
}
function errorOf(name: string, text: string, overrides?: ConfigOverrides): ClrError {
  try {
    loadConfig(file(name, text), overrides);
  } catch (error) {
    if (error instanceof ClrError) return error;
    throw error;
  }
  throw new Error('no error');
}
const minimal = '{ "schedule": { "type": "constant", "lr": 0.1 } }';

describe('a config', () => {
  it('gets the defaults and the name of its file', () => {
    const config = loadConfig(file('plain.json', minimal));
    expect(config).toMatchObject({ name: 'plain', batch_size: 128, model: { type: 'resnet', depth: 56 }, seed: 1 });
  });

  it('may be YAML, with a byte order mark and CRLF', () => {
    const config = loadConfig(file('a.yaml', '\uFEFFepochs: 3\r\nschedule:\r\n  type: constant\r\n  lr: 0.5\r\n'));
    expect(config).toMatchObject({ epochs: 3, schedule: { type: 'constant', lr: 0.5 } });
  });

  it('is merged over the files that it extends, later ones over earlier', () => {
    file('base.json', '{ "epochs": 5, "seed": 4, "schedule": { "type": "constant", "lr": 0.1 } }');
    file('other.yaml', 'seed: 9\n');
    const config = loadConfig(
      file('derived.json', '{ "extends": ["base.json", "other.yaml"], "schedule": { "lr": 0.7 } }'),
    );
    expect(config).toMatchObject({ name: 'derived', epochs: 5, seed: 9, schedule: { type: 'constant', lr: 0.7 } });
  });

  it('removes an inherited key that it sets to null', () => {
    file('base3.json', '{ "epochs": 5, "expected": { "val_acc": 90 }, "schedule": { "type": "constant", "lr": 0.1 } }');
    const config = loadConfig(file('d3.json', '{ "extends": "base3.json", "expected": null }'));
    expect(config.expected).toBeUndefined();
  });

  it('drops the inherited options when it names another type', () => {
    file('base2.json', minimal);
    const config = loadConfig(
      file('d2.json', '{ "extends": "base2.json", "schedule": { "type": "clr-beta", "max_lr": 2 } }'),
    );
    expect(config.schedule).not.toHaveProperty('lr');
  });

  it('needs no type where there is a default one', () => {
    const config = loadConfig(file('t.json', minimal), { set: ['model.depth=20', 'optimizer.nesterov=true'] });
    expect(config).toMatchObject({ model: { type: 'resnet', depth: 20 }, optimizer: { type: 'sgd', nesterov: true } });
  });

  it('takes overrides from files and from --set, in that order', () => {
    const override = file('over.yaml', 'epochs: 2\nbatch_size: 32\n');
    const config = loadConfig(file('b.json', minimal), {
      files: [override],
      set: ['batch_size=64', 'schedule.lr=1e-2', 'augmentation.flip=true'],
    });
    expect(config).toMatchObject({ epochs: 2, batch_size: 64, schedule: { lr: 0.01 }, augmentation: { flip: true } });
  });

  it('survives a round trip through JSON', () => {
    const config = loadConfig(file('c.json', minimal));
    expect(loadConfig(file('c2.json', JSON.stringify(config)))).toEqual(config);
  });
});

describe('an error in a config', () => {
  it.each([
    [
      'a misspelt key',
      '{\n "shedule": {},\n "schedule": {"type": "constant", "lr": 1} }',
      /:2: unknown key "shedule", did you mean "schedule"\?; known: .*epochs/,
    ],
    [
      'a misspelt option',
      '{ "schedule": {\n "type": "clr-beta",\n "max_lrr": 3 } }',
      /:3: unknown key "schedule.max_lrr", did you mean "max_lr"\?; known: .*div/,
    ],
    [
      'an unknown type',
      '{ "schedule": {\n "type": "clr-bta" } }',
      /:2: schedule.*unknown schedule "clr-bta", did you mean "clr-beta"\?; known: constant, /,
    ],
    [
      'a wrong value',
      `{ "batch_size": -4,\n"schedule": {"type": "constant", "lr": 1} }`,
      /:1: batch_size: must be at least 1 \(it is -4\)/,
    ],
    [
      'a wrong type',
      `{ "epochs": "ten",\n"schedule": {"type": "constant", "lr": 1} }`,
      /epochs: must be a number \(it is "ten"\)/,
    ],
    ['a missing schedule', '{ "epochs": 3 }', /"schedule" is missing: a schedule needs a type; known: constant/],
    ['a duplicate key', '{ "epochs": 3,\n "epochs": 4 }', /:2: .*unique/],
    ['broken syntax', '{ "epochs": 3,\n', /:\d+: /],
    ['an empty file', '', /a config is a mapping of keys, not null/],
    ['a list', '[1, 2]', /a config is a mapping of keys, not a list/],
    ['a polluting key', '{ "__proto__": { "epochs": 3 } }', /unknown key "__proto__"/],
    ['a map for a key', '? ? a', /:1: a key must be a word/],
    ['maps for keys of keys', '? '.repeat(30), /:1: a key must be a word/],
    ['no key', ': 3', /unknown key/],
    ['deep nesting', '['.repeat(200) + ']'.repeat(200), /nested/],
    ['a huge number', '{ "epochs": 1e400, "schedule": {"type": "constant", "lr": 1} }', /epochs: /],
  ])('%s: names place and problem', (_name, text, message) => {
    const error = errorOf('bad.json', text);
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(message);
  });

  it('is reported for aliases that expand exponentially', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`)}]`),
    ];
    expect(errorOf('bomb.yaml', bomb.join('\n')).message).toMatch(/alias/i);
  });

  it.each([
    ['brackets', '['.repeat(60_000)],
    ['braces', '{a: '.repeat(15_000)],
    ['list marks', '- '.repeat(30_000)],
    ['indented keys', Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('is reported at once for %s nested without end', (_, text) => {
    const started = performance.now();
    expect(errorOf('deep.yaml', text).message).toMatch(/deep\.yaml: nested more than 16 levels deep/);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(errorOf('s.json', minimal, { set: [`epochs=${text}`] }).exitCode).toBe(2);
  });

  it('is reported when too many files extend one another', () => {
    for (let i = 0; i < 12; i++)
      file(`fan${i}.json`, JSON.stringify({ extends: Array.from({ length: 9 }, () => `fan${i + 1}.json`) }));
    file('fan12.json', minimal);
    expect(errorOf('fan.json', '{ "extends": "fan0.json" }').message).toMatch(/more than 64 files extend one another/);
  });

  it('lists ten of many errors', () => {
    const error = errorOf('many.yaml', Array.from({ length: 500 }, (_, i) => `key${i}: 1`).join('\n'));
    expect(error.message).not.toContain('\n');
    expect(error.hint!.split('\n')).toHaveLength(11);
    expect(error.hint).toMatch(/and 490 more$/);
  });

  it('names a file that extends itself', () => {
    file('x.json', '{ "extends": "y.json" }');
    expect(errorOf('y.json', '{ "extends": "x.json" }').message).toMatch(/extends itself/);
  });

  it('names a missing file and a folder', () => {
    expect(() => loadConfig(path.join(directory, 'none.json'))).toThrow(/cannot read the config/);
    expect(() => loadConfig(directory)).toThrow(/not a file, but a folder/);
    expect(() => loadConfig('/dev/zero')).toThrow(/not a file, but a device/);
    expect(() => loadConfig(file('large.json', ' '.repeat(70_000)))).toThrow(/larger than the limit for a config/);
  });

  it('names the flag that stands for a key, not --set', () => {
    const message = (flag: string, assignment: string) =>
      errorOf('f.json', minimal, { flags: { [flag]: assignment } }).message;
    expect(message('--precision', 'precision=f8')).toMatch(/^--precision: must be f32, bf16 or f16 \(it is "f8"\)/);
    expect(message('--seed', 'seed=[')).toMatch(/^--seed:1: /);
  });

  it('names a --set that is not an assignment, and one with an unknown key', () => {
    expect(errorOf('s.json', minimal, { set: ['epochs'] }).message).toMatch(/not of the form key=value/);
    expect(errorOf('s.json', minimal, { set: ['epoch=3'] }).message).toMatch(
      /--set epoch: unknown key "epoch", did you mean "epochs"/,
    );
  });
});
