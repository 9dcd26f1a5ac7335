import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClrError } from '../errors.js';
import { aliasOf, suggestion } from './aliases.js';
import { loadConfig } from './load.js';

const directory = mkdtempSync(path.join(tmpdir(), 'clr-explain-'));

function errorOf(text: string, set: string[] = [], name = 'a.json'): ClrError {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  try {
    loadConfig(file, { set });
  } catch (error) {
    if (error instanceof ClrError) return error;
    throw error;
  }
  throw new Error('no error');
}

const schedule = (options: string) => `{ "schedule": { ${options} } }`;

describe('an error', () => {
  it.each([
    [
      'lists what is known within a list',
      schedule('"type": "phases", "phases": [{ "length": 1, "lr": 1 }]'),
      /unknown key "schedule\.phases\.0\.length"; known: epochs, iterations, share, lr,/,
    ],
    [
      'shows what a bare number of iterations is written like',
      schedule('"type": "triangular", "base_lr": 0.1, "max_lr": 1, "step_size": 200'),
      /schedule\.step_size: must be a duration, e\.g\. \{ iterations: 200 \} \(it is 200\)$/,
    ],
    [
      'does so in a list',
      schedule('"type": "multi-step", "milestones": [10]'),
      /schedule\.milestones\.0: must be a duration, e\.g\. \{ iterations: 10 \}/,
    ],
    [
      'says what a missing key must be, and what it is for',
      schedule('"type": "clr-beta"'),
      /"schedule\.max_lr" is missing: it must be a number \(the highest LR\)$/,
    ],
    ['names the choices', '{ "precision": "f31", "schedule": { "type": "constant" } }', /must be f32, bf16 or f16/],
    ['names a bound', '{ "seed": -1, "schedule": { "type": "constant" } }', /seed: must be at least 0 \(it is -1\)$/],
    ['asks for a whole number', '{ "seed": 1.5, "schedule": { "type": "constant" } }', /must be a whole number/],
    ['asks for true or false', '{ "drop_last": "no", "schedule": { "type": "constant" } }', /must be true or false/],
    ['asks for an object', '{ "checkpoint": 3, "schedule": { "type": "constant" } }', /must be an object of keys/],
    ['asks for a type', '{ "schedule": {} }', /^\S+:1: a schedule needs a type; known: constant, clr,/],
  ])('%s', (_name, text, message) => {
    const error = errorOf(text);
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/Invalid|expected|received|undefined|Too (small|big)/);
  });

  it('says that another type replaces the whole object, at the place that does so', () => {
    const { message, hint } = errorOf(schedule('"type": "clr-beta", "max_lr": 1'), ['schedule={"type":"cosine"}']);
    expect(message).toMatch(/^--set schedule: "schedule\.max_lr" is missing/);
    expect(hint).toBe('another type replaces the whole schedule: the options of clr-beta do not carry over to cosine');
  });

  it.each([
    ['before a key', '{\n  // my net\n  "epochs": 3 }', 2],
    ['after a value', '{ "epochs": 3, // three\n "seed": 1 }', 1],
    ['in a block', '{\n /* a\n b */ "epochs": 3 }', 2],
  ])('recognises a comment %s', (_name, text, line) => {
    const { message, hint } = errorOf(text);
    expect(message).toMatch(new RegExp(`a\\.json:${line}: a comment begins with #$`));
    expect(hint).toMatch(/# in place of \/\//);
  });

  it('in a schedule for the length of the run names where the keys were set', () => {
    const { message, hint } = errorOf(schedule('"type": "clr",\n"max_lr": 1,\n"max_momentum": 0.8'));
    expect(message).toMatch(/a\.json:3: schedule: max_momentum 0\.8 is below min_momentum 0\.85$/);
    expect(hint).toMatch(/^swap them/);
    const phases = '"type": "phases", "phases": [{ "share": 0.9, "lr": 1 }, { "share": 0.9, "lr": 0.1 }]';
    expect(errorOf(schedule(phases)).message).toMatch(
      /a\.json:1: schedule: the phases take \d+ iterations, the run \d+$/,
    );
  });

  it('is a message too where a type is an object that cannot be converted to a string', () => {
    for (const key of ['schedule', 'dataset'])
      expect(errorOf(`{ "${key}": { "type": { "toString": [] } } }`).message).toMatch(
        /unknown \w+ {"toString":\[\]}; known/,
      );
  });

  it('is not raised for the // of a URL', () => {
    const text = 'source: https://arxiv.org/abs/1506.01186\nname: a\nschedule: { type: constant } # fine\n';
    const file = path.join(directory, 'b.yaml');
    writeFileSync(file, text);
    expect(loadConfig(file).source).toBe('https://arxiv.org/abs/1506.01186');
  });

  it('recognises a sweep file', () => {
    const { message, hint } = errorOf('name: s\nbase: x.json\narms:\n  a: {}\n', [], 's.yaml');
    expect(message).toMatch(/s\.yaml is a sweep, not the config of an experiment$/);
    expect(hint).toMatch(/^clr sweep .*s\.yaml$/);
  });

  it('for a wrong path names the nearest file there, or the nearest config that comes with the program', () => {
    expect(() => loadConfig('configs/rn56-1cylce.json')).toThrow(/did you mean "configs\/rn56-1cycle\.json"\?$/);
    expect(() => loadConfig('rn56-1cylce')).toThrow(/there is no such file, did you mean "rn56-1cycle"\?$/);
  });
});

describe('a config that comes with the program', () => {
  it('is found by its name', () => {
    expect(loadConfig('quickstart')).toMatchObject({ name: 'quickstart', dataset: { type: 'synthetic' } });
  });
});

describe('the names of other libraries', () => {
  it.each([
    [schedule('"type": "OneCycleLR", "max_lr": 1'), 'unknown schedule "OneCycleLR": in clr this is one-cycle; known: '],
    [schedule('"type": "fit_one_cycle"'), 'in clr this is one-cycle with preset: fastai-v2'],
    [schedule('"type": "CyclicLR"'), 'in clr this is triangular, triangular2 or exp-range'],
    [schedule('"type": "One_Cycle"'), 'did you mean "one-cycle"?'],
    [schedule('"type": "one-cycle", "max_lr": 1, "moms": [1, 2]'), 'in clr this is max_momentum and min_momentum'],
    [schedule('"type": "one-cycle", "lr_max": 1'), 'in clr this is max_lr'],
    [schedule('"type": "one-cycle", "max_lr": 1, "div_final": 3'), 'in clr this is final_div'],
    [schedule('"type": "triangular", "max_lr": 1, "base_lr": 1, "base_momentum": 0'), 'in clr this is min_momentum'],
    ['{ "optimizer": { "wd": 0.1 }, "schedule": { "type": "constant" } }', 'in clr this is weight_decay'],
    ['{ "optimizer": { "lr": 0.1 }, "schedule": { "type": "constant" } }', 'in clr this is schedule.max_lr'],
    ['{ "optimizer": { "type": "AdamW" }, "schedule": { "type": "constant" } }', 'did you mean "adamw"?'],
    [
      '{ "model": { "type": "ResNet110" }, "schedule": { "type": "constant" } }',
      'in clr this is resnet with depth: 110',
    ],
  ])('%s: %s', (text, expected) => {
    expect(errorOf(text).message).toContain(expected);
  });

  it('take precedence over names that are merely spelt alike', () => {
    expect(suggestion('command', 'train', ['run', 'lrfind', 'plot'])).toBe(': in clr this is clr run CONFIG');
    expect(suggestion('command', 'fit', ['run', 'lrfind'])).toBe(': in clr this is clr run CONFIG');
    expect(suggestion('command', 'swep', ['run', 'sweep'])).toBe(', did you mean "sweep"?');
  });

  it('never give another meaning to the name of a schedule', async () => {
    const { schedules } = await import('../schedules/index.js');
    for (const type of schedules.types) expect(aliasOf('schedule', type)?.type ?? type).toBe(type);
  });
});
