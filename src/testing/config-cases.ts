import { readdirSync } from 'node:fs';
import path from 'node:path';
import { engine } from '@tensorflow/tfjs-core';
import { cpu } from '../backends/cpu/index.js';
import { loadConfig } from '../config/load.js';
import { configJsonSchema, configSchema, type ExperimentConfig, runLength } from '../config/schema.js';
import type { Dataset } from '../datasets/dataset.js';
import { datasets, trainSize } from '../datasets/index.js';
import { schedules } from '../schedules/index.js';
import { prepareTraining } from '../training/prepare.js';
import { fc } from './random-tests.js';

/** The part of JSON Schema that the configs' schema uses. */
interface Schema {
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  type?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  prefixItems?: Schema[];
}

/** Values that the schema allows, though not always its refinements; numbers small enough for cases of milliseconds. */
function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, properties, required = [] } = schema;
  const members = schema.anyOf ?? schema.oneOf;
  if (members) return fc.oneof(...members.map(valuesOf));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  if (properties) {
    const values = Object.entries(properties).map(([key, value]) => [key, valuesOf(value)]);
    return fc.record(Object.fromEntries(values), { requiredKeys: required as never[] });
  }
  if (schema.prefixItems) return fc.tuple(...schema.prefixItems.map(valuesOf));
  if (schema.items) return fc.array(valuesOf(schema.items), { minLength: 1, maxLength: 4 });
  const min = minimum ?? exclusiveMinimum ?? 0;
  const max = Math.min(maximum ?? exclusiveMaximum ?? Number.POSITIVE_INFINITY, min + 24);
  if (schema.type === 'integer') return fc.integer({ min, max: Math.min(max, min + 8) });
  const excluded = { minExcluded: exclusiveMinimum === min, maxExcluded: exclusiveMaximum === max };
  if (schema.type === 'number') return fc.double({ min, max, noNaN: true, ...excluded });
  return schema.type === 'boolean' ? fc.boolean() : fc.constantFrom('a', 'a b', '../x', '');
}

const {
  $schema: _,
  extends: __,
  ...properties
} = (configJsonSchema() as { properties: Record<string, Schema> }).properties;
const keyed = Object.entries(properties).map(([key, schema]) =>
  valuesOf(schema).map((value) => [key, key === 'model' ? narrow(value as { width?: number }) : value] as const),
);

/** At width 8, the initial weights of a wide ResNet take seconds. */
function narrow(model: { width?: number }) {
  return model.width === undefined ? model : { ...model, width: Math.min(model.width, 2) };
}

/** `key=value` with values that the schema allows. */
export const plausibleAssignments = fc.oneof(...keyed).map(([key, value]) => `${key}=${JSON.stringify(value)}`);

/** Makes a model as small as its kind can be. */
const smallest: Record<string, object> = {
  resnet: { blocks: [1, 1, 1] },
  'wide-resnet': { blocks: [1, 1, 1], channels: [16, 16, 16] },
  densenet: { depth: 7 },
};

const files = readdirSync('configs').filter((file) => /^(?!.*schema).*\.json$/.test(file));
const real = files.map((file) => {
  const { model, ...config } = loadConfig(path.join('configs', file));
  return { ...config, model: { ...model, ...smallest[model.type] } };
});

/** The configs of the experiments with up to three keys replaced, and sometimes another by an arbitrary value. */
export const plausibleConfigs = fc
  .tuple(
    fc.constantFrom(...real),
    fc.array(fc.oneof(...keyed), { maxLength: 3 }),
    fc.oneof(
      { weight: 7, arbitrary: fc.constant(undefined) },
      fc.tuple(fc.constantFrom(...Object.keys(properties)), fc.jsonValue()),
    ),
  )
  .map(([config, edits, odd]) =>
    JSON.stringify({ ...config, ...Object.fromEntries(edits), ...(odd && { [odd[0]]: odd[1] }) }),
  );

let surroundings: Promise<Dataset> | undefined;

/** Creates what the config describes, on twenty small images: model, optimizer, a batch, schedules of both lengths. */
export async function resolve(config: ExperimentConfig): Promise<void> {
  surroundings ??= cpu.activate({ precision: 'f32' }).then(() => {
    const { dataset, seed } = configSchema.parse({
      dataset: { type: 'synthetic', train_size: 20, val_size: 10 },
      schedule: { type: 'constant' },
    });
    return datasets.create(dataset, { path: undefined, cacheDirectory: '', seed, report: () => {} });
  });
  const dataset = await surroundings;
  engine().startScope();
  try {
    const batch_size = Math.min(config.batch_size, 20);
    const { schedule, iterations, trainingBatches } = prepareTraining({ ...config, batch_size }, dataset);
    for (const i of [0, iterations >> 1, iterations - 1]) schedule(i);
    [...trainingBatches(0, 0)].length;
  } finally {
    engine().endScope();
  }
  const length = runLength(config, trainSize(config.dataset));
  if (length.iterationsPerEpoch === 0) return;
  const schedule = schedules.create(config.schedule, length);
  for (const share of [0, 0.3, 0.5, 0.9]) {
    const { lr, momentum } = schedule(Math.floor(share * length.iterations));
    if (!(Number.isFinite(lr) && lr >= 0 && momentum >= 0 && momentum <= 1))
      throw new Error(`LR ${lr}, momentum ${momentum} at ${share} of the run`);
  }
}
