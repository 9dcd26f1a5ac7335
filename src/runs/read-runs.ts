import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { completed } from '../config/load.js';
import { ClrError } from '../errors.js';
import { lockHolder } from '../system/lock.js';
import { printable } from '../system/printable.js';
import { findRuns, type Skipped } from './find-runs.js';
import { finderReason, isFinder } from './finder-columns.js';
import { readJson } from './read-run.js';
import type { Metric } from './scores.js';
import { armFile, type Manifest, type SweepRun } from './sweep-manifest.js';

/** The value of a key of a config. */
export type Setting = string | number | boolean | null;

/** What a comparison needs to know about a run; its text is safe to print. */
export interface Run {
  directory: string;
  name: string;
  seed: number;
  /** All that distinguishes its config from others, with dotted keys: `schedule.max_lr`. */
  settings: Record<string, Setting>;
  /** The settings that differ between the repetitions of one arm, as the seed does. */
  varies: string[];
  status: SweepRun['status'];
  /** Why it did not complete. */
  message: string | undefined;
  /** Undefined unless it completed. */
  scores: Record<Metric, number> | undefined;
  /** The sweep that it belongs to, if that was found. */
  sweep?: InSweep | undefined;
  source: string | undefined;
  expected: z.output<typeof expectedSchema> | undefined;
}

/** A run's place in a sweep. */
export interface InSweep {
  directory: string;
  arm: string;
  manifest: Manifest;
}

/** Keys that do not distinguish one experiment from another. */
const irrelevant = new Set([
  'log',
  '$schema',
  'name',
  'source',
  'expected',
  'seed',
  'threads',
  'checkpoint',
  'varies',
  'tags',
]);

/** A limit for foreign run folders: more than any config has. */
const maxSettings = 1000;
const maxText = 1000;

/** Cut to the length that a validated config allows. */
function text(length: number) {
  return z.string().transform((value) => printable(value).slice(0, length));
}

const expectedSchema = z.object({
  val_acc: z.number().optional(),
  std: z.number().optional(),
  n: z.number().optional(),
  diverges: z.boolean().optional(),
  note: text(1000).optional(),
});

const configSchema = z.looseObject({
  name: text(100),
  seed: z.number(),
  precision: z.string().default('f32'), // the default, except on a CUDA GPU
  varies: z.array(text(100)).max(20).default([]),
  source: text(1000).optional(),
  expected: expectedSchema.optional(),
});

const number = z.number().nullable(); // values that are not finite are null in JSON
const summarySchema = z.object({
  status: z.enum(['running', 'completed', 'diverged', 'stopped', 'interrupted', 'failed']),
  iterations: z.number(),
  message: z.string().optional(),
  final: z.object({ val_acc: number, val_loss: number }).nullable(),
  best: z.object({ val_acc: number }).nullable(),
  seconds: z.number(),
  images_per_second: number,
});

/**
 * Reads the runs that `paths` name (see findRuns) from their config.json and summary.json, finished or not, and those
 * that a sweep among them has not started. What cannot be read is not fatal: `skipped` names it.
 */
export function readRuns(paths: readonly string[]): { runs: Run[]; skipped: Skipped[] } {
  const { directories, sweeps, skipped } = findRuns(paths);
  const runs: Run[] = [];
  const attempt = (directory: string, read: () => Run | string) => {
    try {
      const run = read();
      if (typeof run === 'string') skipped.push({ path: printable(directory), reason: run });
      else runs.push(run);
    } catch (error) {
      skipped.push({ path: printable(directory), reason: printable(describe(error), maxText) });
    }
  };
  const planned = new Map([...sweeps].flatMap(plannedRuns).map((run) => [path.resolve(run.directory), run]));
  for (const directory of directories) {
    const place = planned.get(path.resolve(directory));
    planned.delete(path.resolve(directory));
    attempt(directory, () => readRun(directory, place?.sweep));
  }
  for (const { directory, sweep, run } of planned.values()) attempt(directory, () => pendingRun(directory, sweep, run));
  return { runs, skipped };
}

/** The runs that a sweep's manifest lists. */
function plannedRuns([folder, manifest]: [string, Manifest]): { directory: string; sweep: InSweep; run: SweepRun }[] {
  return manifest.runs.map((run) => ({
    directory: path.join(folder, run.directory),
    sweep: { directory: folder, arm: run.arm, manifest },
    run,
  }));
}

/** A run of a sweep that has no folder: pending, or it failed before it started. A reason if the folder was lost. */
function pendingRun(directory: string, sweep: InSweep, { seed, status, message }: SweepRun): Run | string {
  if (status === 'completed' || status === 'diverged')
    return `${status} according to sweep.json, but its folder is missing`;
  const file = armFile(sweep.directory, sweep.arm);
  const config = configSchema.parse(readJson(path.dirname(file), path.basename(file)), { error: inFile('arm.json') });
  const why = message && printable(message);
  const { name, varies, source, expected } = config;
  const settings = settingsOf(config);
  return { directory, name, seed, settings, varies, status, message: why, scores: undefined, sweep, source, expected };
}

/** The same; throws ClrError('data') if no run can be read. */
export function readSomeRuns(paths: readonly string[]): ReturnType<typeof readRuns> {
  const found = readRuns(paths);
  if (found.runs.length > 0) return found;
  const reasons = found.skipped.slice(0, 20).map(({ path, reason }) => `${path}: ${reason}`);
  throw new ClrError('data', `no run to read: ${reasons.join('; ')}`, 'name run folders, such as runs/1 runs/2');
}

/** The run, or the reason why it is not one. */
function readRun(directory: string, sweep: InSweep | undefined): Run | string {
  const config = configSchema.parse(readJson(directory, 'config.json'), { error: inFile('config.json') });
  if (isFinder(directory)) return finderReason;
  const summary = existsSync(path.join(directory, 'summary.json')) ? readSummary(directory) : undefined;
  const { status = 'running', message } = summary ?? {};
  const scores = summary && scoresOf(summary);
  if (status === 'completed' && !scores) return 'completed without a score';
  return {
    directory,
    name: config.name,
    seed: config.seed,
    settings: settingsOf(config),
    varies: config.varies,
    status: status === 'running' && lockHolder(directory) === undefined ? 'interrupted' : status,
    message: message && printable(message, maxText),
    scores,
    sweep,
    source: config.source,
    expected: config.expected,
  };
}

/**
 * All that distinguishes a config from others, with dotted keys: the same for a run of an older version. A net defined
 * by its blocks has no depth, though older configs give one.
 */
export function settingsOf(config: object): Record<string, Setting> {
  const relevant = (tree: object) => Object.fromEntries(Object.entries(tree).filter(([key]) => !irrelevant.has(key)));
  const settings = flattened(relevant(completed(relevant(config))));
  if (settings['model.blocks'] !== undefined) delete settings['model.depth'];
  return settings;
}

/** The scores of a run that is done; undefined: it diverged. Throws if summary.json is damaged. */
export function readScores(directory: string): Run['scores'] {
  return scoresOf(readSummary(directory));
}

function readSummary(directory: string): z.output<typeof summarySchema> {
  return summarySchema.parse(readJson(directory, 'summary.json'), { error: inFile('summary.json') });
}

function scoresOf({ status, final, best, seconds, images_per_second }: z.output<typeof summarySchema>): Run['scores'] {
  if (status !== 'completed' || !final || !best) return undefined;
  const score = (value: number | null) => value ?? Number.NaN;
  return {
    val_acc: score(final.val_acc),
    best_val_acc: score(best.val_acc),
    val_loss: score(final.val_loss),
    seconds,
    images_per_second: score(images_per_second),
  };
}

/**
 * Nested keys joined by dots; lists as JSON. Others may have written the config: a key such as `toString` is found only
 * if the run has set it, and there are no more keys than a config could have.
 */
function flattened(tree: object): Record<string, Setting> {
  const settings: Record<string, Setting> = Object.create(null);
  let left = maxSettings;
  const add = (at: string, value: unknown): void => {
    if (left-- === 0) throw new ClrError('data', `config.json has more than ${maxSettings} settings`);
    if (typeof value === 'string') settings[at] = printable(value).slice(0, maxText);
    else if (Array.isArray(value)) settings[at] = printable(JSON.stringify(value)).slice(0, maxText);
    else if (typeof value !== 'object' || value === null) settings[at] = value as Setting;
    else for (const [key, inner] of Object.entries(value)) add(printable(`${at}.${key}`).slice(0, maxText), inner);
  };
  for (const [key, value] of Object.entries(tree)) add(printable(key).slice(0, maxText), value);
  return settings;
}

const inFile = (file: string) => (issue: { path?: PropertyKey[]; input?: unknown }) =>
  `${file}: ${(issue.path ?? []).map(String).join('.') || 'it'} cannot be ${JSON.stringify(issue.input)?.slice(0, 60) ?? 'missing'}`;

function describe(error: unknown): string {
  const { message } = error instanceof z.ZodError ? error.issues[0]! : (error as Error);
  return error instanceof ClrError && error.kind === 'failed' ? message : `damaged: ${message}`;
}
