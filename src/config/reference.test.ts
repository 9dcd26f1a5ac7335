import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sweepJsonSchema } from '../sweep/plan.js';
import { configKeys, optionKeys, registries } from './reference.js';
import { configJsonSchema } from './schema.js';

const page = readFileSync('configs/README.md', 'utf8').replaceAll(/\n {2}/g, ' ');
const entries = Object.values(registries).flatMap(({ entries }) => [...entries]);

test.each([
  ['configs', configJsonSchema()],
  ['sweep files', sweepJsonSchema()],
])('every key in the JSON Schema of %s has a description', (_, schema) => {
  const bare: string[] = [];
  const visit = (node: unknown, at: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, value] of Object.entries(node)) {
      if (name === 'properties')
        for (const [key, property] of Object.entries(value as Record<string, { description?: string }>))
          if (!property.description) bare.push(`${at}.${key}`);
      visit(value, `${at}.${name}`);
    }
  };
  visit(schema, '');
  expect(bare).toEqual([]);
});

test('configs/README.md lists every key with its default, and every type with its options', () => {
  const keys = [...configKeys(), ...entries.flatMap(optionKeys)];
  const missing = keys.filter(({ key, type, default: value }) => {
    const start = `- \`${key}\` (${type}${value === undefined ? '' : `, default \`${value}\``}`;
    return !page.includes(start);
  });
  expect(missing.map(({ key }) => key)).toEqual([]);
  expect(
    entries.filter(({ type, about }) => !page.replaceAll(/\s+/g, ' ').includes(`**\`${type}\`**: ${about}`)),
  ).toEqual([]);
});

test('types, bounds and defaults of keys are described in words', () => {
  const find = (key: string) => configKeys().find((k) => k.key === key);
  expect(find('epochs')).toMatchObject({ type: 'number in (0, 100000]', default: '30' });
  expect(find('precision')).toMatchObject({ type: 'f32 | bf16 | f16', default: undefined });
  expect(find('augmentation.crop.mode')).toMatchObject({ type: 'zero | reflect | symmetric' });
  const phases = registries.schedule.entries.find(({ type }) => type === 'phases')!;
  expect(optionKeys(phases).map(({ key }) => key)).toContain('phases[].lr');
  const multiStep = registries.schedule.entries.find(({ type }) => type === 'multi-step')!;
  expect(optionKeys(multiStep).find(({ key }) => key === 'milestones')?.type).toBe('list of durations');
});
