import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { validateConfig } from '../config/load.js';
import { type ExperimentConfig, runLength } from '../config/schema.js';
import type { Dataset } from '../datasets/dataset.js';
import { ClrError } from '../errors.js';
import type { Variable } from '../models/model.js';
import type { Environment } from '../runs/environment.js';
import { findRuns } from '../runs/find-runs.js';
import { isFinder } from '../runs/finder-columns.js';
import { readIterations, readJson, readJsonAs, readMetrics } from '../runs/read-run.js';
import { recordedStatus } from '../runs/status.js';
import { schedules } from '../schedules/index.js';
import { removeTemporaries } from '../system/atomic.js';
import { lockFolder, lockHolder } from '../system/lock.js';
import { quoted } from '../system/shell.js';
import { loadCheckpoint } from './checkpoint.js';
import { firstIteration, type Position, startPosition } from './position.js';

/** Keys that may differ when a run is resumed: none of them changes a number, apart from rounding. */
const mayChange = new Set([
  '$schema',
  'name',
  'source',
  'expected',
  'tags',
  'backend',
  'threads',
  'device',
  'checkpoint',
  'log',
]);

/**
 * A run's folder by its path or its name in `runs`, or the newest one there for "latest". Throws ClrError('usage') if
 * there is none, or if it is that of a range test or a `clr tune`.
 */
export function findRun(run: string, runs: string): string {
  if (run !== 'latest') {
    const found = [run, path.join(runs, run)].find((directory) => existsSync(path.join(directory, 'config.json')));
    if (found) {
      refuseOther(found);
      return found;
    }
    const [below = 'runs/7'] = findRuns([run]).directories;
    throw new ClrError('usage', `${run} is not a run folder`, `name one, such as ${quoted([below])}, or latest`);
  }
  const names = existsSync(runs) ? readdirSync(runs).filter((name) => /^\d{1,15}$/.test(name)) : [];
  const begun = names.filter(
    (name) => existsSync(path.join(runs, name, 'config.json')) && !otherKind(path.join(runs, name)),
  );
  const newest = begun.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new ClrError('usage', `there is no run in ${runs}`);
  return path.join(runs, newest);
}

/** The error if the folder, which has a config, is not that of a run. */
function otherKind(directory: string): ClrError | undefined {
  if (isFinder(directory))
    return new ClrError('usage', `${directory} is an LR range test, not a run`, 'to repeat it, start clr lrfind again');
  if (existsSync(path.join(directory, 'tune.json')))
    return new ClrError(
      'usage',
      `${directory} is the folder of a clr tune`,
      'run the same clr tune again to resume it',
    );
  return undefined;
}

function refuseOther(directory: string): void {
  const error = otherKind(directory);
  if (error) throw error;
}

/**
 * Whether the folder holds a run that can be resumed. That of a run killed before it had a config is removed. Throws
 * ClrError('usage') if the folder holds anything else, or if another process is making it.
 */
export function hasBegun(directory: string, { takeOver = false } = {}): boolean {
  if (existsSync(path.join(directory, 'config.json'))) {
    refuseOther(directory);
    return true;
  }
  if (!existsSync(directory)) return false;
  lockFolder(directory, { takeOver })();
  removeTemporaries(directory);
  if (readdirSync(directory).length > 0)
    throw new ClrError('usage', `${directory} exists but is not a run folder`, 'choose another one');
  rmdirSync(directory);
  return false;
}

/**
 * How the run of this config ended; undefined if it is not done, or is to have another number of epochs. `interrupted`:
 * it has the `untilEpoch` epochs that are asked for now.
 */
export function outcomeOf(
  directory: string,
  config: ExperimentConfig,
  untilEpoch?: number,
): 'completed' | 'diverged' | 'interrupted' | undefined {
  if (lockHolder(directory)?.known) return undefined;
  const status = recordedStatus(directory);
  if (status === 'completed' || status === 'diverged')
    return storedConfig(directory).epochs === config.epochs ? status : undefined;
  if (status === undefined || untilEpoch === undefined) return undefined;
  const begun = existsSync(path.join(directory, 'metrics.csv')); // it may have been killed before that
  return begun && readMetrics(directory).length >= untilEpoch ? 'interrupted' : undefined;
}

/**
 * Throws ClrError('usage') with the keys if `requested` differs from the run's own config in something that would
 * change the run. `epochs` may differ here: only the data tell whether that changes what is already done
 * (`restorePosition`).
 */
export function refuseOtherConfig(run: string, requested: ExperimentConfig): void {
  const changed = changedKeys(storedConfig(run), requested).filter((key) => key !== 'epochs');
  if (changed.length > 0) throw differs(run, changed.join(', '));
}

/** The keys that make `requested` a different run from `stored`. */
export function changedKeys(stored: ExperimentConfig, requested: ExperimentConfig): string[] {
  const keys = Object.keys({ ...stored, ...requested }) as (keyof ExperimentConfig)[];
  return keys.filter((key) => !mayChange.has(key) && !isDeepStrictEqual(stored[key], requested[key]));
}

/**
 * The state of the run; `variables` get their values at that point, from `startAgain` if the run was killed before its
 * first checkpoint. Throws ClrError if there is no usable checkpoint, or if a run of `config.epochs` epochs would have
 * been different up to that point.
 */
export function restorePosition(
  run: string,
  config: ExperimentConfig,
  trainingImages: number,
  variables: Variable[],
  report: (message: string) => void,
  startAgain: () => void,
): Position {
  const before = storedConfig(run);
  const problem = (position: Position) => problemOfPosition(position, before, trainingImages);
  const loaded = loadCheckpoint(run, variables, report, problem);
  if (!loaded) startAgain();
  const position = loaded ?? beforeFirstCheckpoint(run);
  if (before.epochs === config.epochs) return position;
  const [old, now] = [runLength(before, trainingImages), runLength(config, trainingImages)];
  if (now.iterations < position.iteration)
    throw differs(run, `epochs: ${position.iteration} iterations are done, more than ${config.epochs} epochs have`);
  if (firstIteration(position.epoch, old.iterationsPerEpoch) > position.iteration)
    throw differs(run, 'epochs: the run ended in mid-epoch');
  const [was, is] = [schedules.create(before.schedule, old), schedules.create(config.schedule, now)];
  for (let i = 0; i < position.iteration; i++)
    if (!isDeepStrictEqual(was(i), is(i)))
      throw differs(
        run,
        `epochs: with ${config.epochs} the schedule already differs in LR or momentum at iteration ${i}`,
      );
  return position;
}

/** Why no run of that config can have this position; undefined: it can. */
function problemOfPosition(
  { iteration, epoch, sums }: Position,
  config: ExperimentConfig,
  trainingImages: number,
): string | undefined {
  const { iterationsPerEpoch, iterations } = runLength(config, trainingImages);
  const end = Math.min(iterations, config.max_iterations ?? iterations);
  const [first, next] = [firstIteration(epoch, iterationsPerEpoch), firstIteration(epoch + 1, iterationsPerEpoch)];
  const hasEnded = iteration === end && first >= end; // its last epoch may be cut short
  const ofWholeBatches = hasEnded ? 0 : (iteration - first) * config.batch_size;
  const images = config.order === 'fixed-cyclic' ? ofWholeBatches : Math.min(ofWholeBatches, trainingImages);
  const fits = iteration <= end && (hasEnded || (first <= iteration && iteration <= next));
  if (fits && sums.images === images) return undefined;
  return `has a position that this run cannot have (epoch ${epoch}, iteration ${iteration}, ${sums.images} images)`;
}

/** environment.json of a resumed run: that from its start, with one more record in `resumed`. */
export function resumedEnvironment(
  run: string,
  now: Environment,
  { iteration }: Position,
  report: (message: string) => void,
): object {
  if (!existsSync(path.join(run, 'environment.json'))) return now; // killed before it was written
  const first = readJson(run, 'environment.json') as typeof now & { resumed?: object[] };
  const keys = ['backend', 'device', 'precision', 'threads', 'node', 'clr'] as const;
  const other = keys.filter((key) => first[key] !== now[key]).map((key) => `${key} ${now[key]}, not ${first[key]}`);
  if (other.length > 0)
    report(`different from the start of the run: ${other.join('; ')}; numbers may differ in rounding`);
  if (first.cpu !== now.cpu)
    report(
      `this processor (${now.cpu}) is not the one that the run began on (${first.cpu}): ` +
        'results may differ in the last bits from here on; to avoid that, resume on the same kind ' +
        '(in a sweep on Slurm: constraint), or set ONEDNN_MAX_CPU_ISA for the whole run',
    );
  return { ...first, resumed: [...(first.resumed ?? []), { iteration, ...now }] };
}

const environmentSchema = z.object({
  ways: z.record(z.string(), z.string()).optional(),
  images: z.object({ sha256: z.string().optional() }).optional(), // older runs have not recorded them
});

function recordedEnvironment(run: string): z.output<typeof environmentSchema> {
  if (!existsSync(path.join(run, 'environment.json'))) return {}; // killed before it was written
  return readJsonAs(environmentSchema, run, 'environment.json');
}

/** The ways of computing that the run's backend has chosen. */
export const recordedWays = (run: string) => recordedEnvironment(run).ways;

/** Whether the run has recorded other images, or the same in another order. */
export function hasOtherImages(run: string, { sha256 }: Pick<Dataset, 'sha256'>): boolean {
  const recorded = recordedEnvironment(run).images?.sha256;
  return recorded !== undefined && recorded !== sha256;
}

/** Throws ClrError('data') if the run has recorded other images. */
export function refuseOtherImages(run: string, images: Pick<Dataset, 'sha256'>): void {
  if (!hasOtherImages(run, images)) return;
  const problem = `${run} was trained on other images, or on the same in another order: their checksum differs`;
  throw new ClrError('data', problem, 'give its images with --data or CLR_DATA');
}

/** The config of a run folder. */
export function storedConfig(run: string): ExperimentConfig {
  return validateConfig(readJson(run, 'config.json'), path.join(run, 'config.json'));
}

/** A run killed before its first checkpoint starts again in its folder; one that has lost its checkpoints does not. */
function beforeFirstCheckpoint(run: string): Position {
  const table = path.join(run, 'iterations.csv');
  if (!existsSync(table) || readIterations(run).length === 0) return startPosition();
  throw new ClrError('data', `${run} has rows but no checkpoint`, 'start a new run');
}

function differs(run: string, what: string): ClrError {
  return new ClrError('usage', `cannot resume ${run}: the config differs in ${what}`, 'start a new run instead');
}
