import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { validateConfig } from '../config/load.js';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import { readJson, readJsonAs } from '../runs/read-run.js';
import { writeJson } from '../runs/run-folder.js';
import { halvingSchema } from '../runs/sweep-manifest.js';
import { changedKeys } from '../training/resume.js';

/** The stages that can be left out, in the order in which they run. */
export const stageNames = ['lr', 'momentum', 'wd', 'tail', 'check'] as const;
const stageSchema = z.enum(stageNames);
/** A part of the recipe. */
export type Stage = z.output<typeof stageSchema>;

const lengthSchema = z.object({ epochs: z.number(), halving: halvingSchema.optional() });
const settingsSchema = z.object({
  max_lr: z.number(),
  weight_decay: z.number(),
  max_momentum: z.number(),
  min_momentum: z.number(),
  tail: z.number(),
});

const decisionSchema = z.object({
  stage: z.enum(['range', 'lr', 'momentum', 'wd', 'tail', 'random', 'length']),
  /** In words: "LR 0.001 to 0.01". */
  chosen: z.string(),
  /** In words: how far it is from the next best. */
  sure: z.string(),
  /** Settings after this stage; for `random`, those of its best trial. */
  settings: settingsSchema,
  /** Epochs of the check's runs, if this stage decided that. */
  length: z.number().optional(),
  /** Wall time of the stage, without the time between an interruption and the resume. */
  seconds: z.number(),
});
/** What a stage decided. */
export type Decision = z.output<typeof decisionSchema>;

const recordSchema = z.object({
  asked: z.object({
    budget: z.union([z.object({ seconds: z.number() }), z.object({ epochs: z.number() })]),
    seeds: z.number(),
    stages: z.array(stageSchema),
  }),
  plan: z.object({
    /** The budget, in epochs. */
    epochs: z.number(),
    /** Seconds of an epoch on this machine when the recipe began, estimated from a single run. */
    epoch_seconds: z.number(),
    /** Runs at the same time. */
    jobs: z.number(),
    /** Updates of a range test. */
    range: z.number(),
    lr: lengthSchema,
    momentum: lengthSchema,
    wd: lengthSchema,
    tail: lengthSchema,
    random: z.object({ trials: z.number(), length: lengthSchema }),
  }),
  decisions: z.array(decisionSchema),
  /** The stage under way, and its wall time so far. */
  unfinished: decisionSchema.pick({ stage: true, seconds: true }).optional(),
});
/** tune.json: what was asked, the plan, and every decision so far. */
export type TuneRecord = z.output<typeof recordSchema>;

const fileName = 'tune.json';

/** The config that everything starts from, in the folder. */
export const configFile = (directory: string) => path.join(directory, 'config.json');

/** Undefined: nothing has begun there. Throws ClrError('usage') if it began with another config or other options. */
export function readRecord(
  directory: string,
  config: ExperimentConfig,
  asked: TuneRecord['asked'],
): TuneRecord | undefined {
  if (!existsSync(path.join(directory, fileName))) return undefined;
  const record = readJsonAs(recordSchema, directory, fileName);
  const changed = changedKeys(validateConfig(readJson(directory, 'config.json'), configFile(directory)), config);
  const other = (Object.keys(asked) as (keyof typeof asked)[]).filter(
    (key) => !isDeepStrictEqual(asked[key], record.asked[key]),
  );
  if (changed.length + other.length === 0) return record;
  const what = [...changed, ...other.map((key) => `--${key}`)].join(', ');
  throw new ClrError('usage', `${directory} began with other settings: ${what}`, 'use another folder (--out)');
}

/** Replaces tune.json atomically. */
export function writeRecord(directory: string, record: TuneRecord): void {
  writeJson(directory, fileName, record);
}
