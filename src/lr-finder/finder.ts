import path from 'node:path';
import type { ActiveBackend } from '../backends/backend.js';
import { type ExperimentConfig, runLength } from '../config/schema.js';
import { augmentationSchema, type Batch, epochBatches, normalisations } from '../datasets/batches.js';
import type { Dataset } from '../datasets/dataset.js';
import { describeEnvironment } from '../runs/environment.js';
import { type FinderRow, finderColumns, tableName } from '../runs/finder-columns.js';
import { makeRunDirectory, Table, writeJson } from '../runs/run-folder.js';
import { withSummary } from '../runs/summary.js';
import { schedules } from '../schedules/index.js';
import { lockFolder } from '../system/lock.js';
import { backendAndData, type ExperimentOptions, prepareTraining, report } from '../training/prepare.js';
import type { Training } from '../training/train.js';
import { warmStart } from '../training/warm-start.js';
import { writeFinderCharts } from './charts.js';
import { groupCurves, type Smoothing } from './curves.js';
import { checkRange, type LrRange } from './learning-rates.js';
import { type FinderProgress, finderProgress } from './progress.js';
import { disposeTraining, type RangeTestOptions, rangeTest } from './range-test.js';
import { type Suggestion, suggest } from './suggestions.js';

/** One curve: a model trained from its initial weights. Plans that differ only in the seed share `curve`. */
export interface Plan {
  curve: number;
  config: ExperimentConfig;
  /** An extra seed that was not requested: skipped if all of them would take over a minute. */
  spare?: boolean;
  /** Constant during the test; undefined: the one that the config's schedule starts with. */
  momentum?: number | undefined;
}

/** What all curves have in common. */
export type Settings = LrRange & Pick<RangeTestOptions, 'validate' | 'stop'> & { smooth: Smoothing };

/** summary.json of an LR finder. */
export interface FinderSummary {
  status: 'running' | 'completed' | 'interrupted' | 'failed';
  /** Why it did not complete. */
  message?: string | undefined;
  settings: Settings;
  /** Classes of the data set; the loss of guessing among them is ln(classes). */
  classes: number;
  curves: CurveSummary[];
  /** Wall time. */
  seconds: number;
}

/** The results of the curves of one combination of hyperparameters. */
export interface CurveSummary extends Pick<FinderRow, 'curve' | 'momentum' | 'weight_decay' | 'batch_size'> {
  seeds: { seed: number; status: 'completed' | 'diverged' | 'interrupted'; iterations: number }[];
  suggestions: (Suggestion & { schedule?: Record<string, unknown> })[];
}

/**
 * Runs every plan's LR range test into a new run folder, keeps no weights. All configs are checked before. Throws
 * ClrError('usage') for a range that cannot be tested.
 */
export async function runFinder(
  plans: Plan[],
  settings: Settings,
  options: Omit<ExperimentOptions, 'resume'>,
): Promise<{ directory: string; summary: FinderSummary }> {
  checkRange(settings);
  const { config } = plans[0]!;
  const { backend, dataset } = await backendAndData(config, options);
  const source = { backend, dataset, runs: options.runs };
  for (const plan of plans) disposeTraining(prepared(plan.config, source)); // throws if one cannot be trained

  const directory = makeRunDirectory(options.runs);
  const unlock = lockFolder(directory);
  try {
    writeJson(directory, 'config.json', config); // of the first curve; the table says what the others change
    const environment = describeEnvironment(backend, dataset);
    writeJson(directory, 'environment.json', environment);
    report(`run folder ${directory}`);
    const summary = await testAll(plans, settings, source, directory, options.signal);
    writeJson(directory, 'environment.json', { ...environment, ways: backend.ways?.() });
    await writeFinderCharts(directory);
    return { directory, summary };
  } finally {
    unlock();
  }
}

/** Runs one plan after the other, writing rows and the summary as it goes; however it ends, the summary says so. */
async function testAll(
  plans: Plan[],
  settings: Settings,
  source: Source,
  directory: string,
  signal: AbortSignal,
): Promise<FinderSummary> {
  const started = performance.now();
  const table = new Table(path.join(directory, tableName), finderColumns, 0);
  const progress = finderProgress(settings.iterations);
  const rows: FinderRow[] = [];
  const ends: Ends = [];
  let affordable = true;
  const classes = source.dataset.classNames.length;
  const { config } = plans[0]!;
  const highest = highestLr(config, source.dataset.train.labels.length);
  const conclude = (status: FinderSummary['status'], message?: string): FinderSummary => {
    const seconds = (performance.now() - started) / 1000;
    const curves = summariseCurves(rows, ends, classes, settings, (lr) => scheduleOf(config.schedule, highest, lr));
    const summary = { status, message, settings, classes, curves, seconds };
    writeJson(directory, 'summary.json', summary);
    return summary;
  };
  const onRow = (row: FinderRow) => {
    rows.push(row);
    table.append(settings.validate ? row : { ...row, val_loss: undefined, val_acc: undefined });
    progress.iteration(row);
  };
  const work = async () => {
    conclude('running');
    for (const [i, plan] of plans.entries()) {
      if (plan.spare && !affordable) break;
      const number = `curve ${i + 1} of ${plans.length}`;
      const begun = performance.now();
      ends.push(await testOne(plan, { ...settings, signal }, source, progress, number, onRow));
      if (signal.aborted) return conclude('interrupted', `stopped in ${number}, after ${rows.length} updates in all`);
      conclude('running');
      if (i === 0) affordable = isAffordable(plans, (performance.now() - begun) / 1000);
    }
    return conclude('completed');
  };
  const concludeError = (error: Error) => void conclude('failed', error.message);
  return withSummary(work, concludeError, report).finally(() => {
    progress.stop();
    table.close();
  });
}

/** Seconds that the extra seeds may take. */
const spareSeconds = 60;

function isAffordable(plans: Plan[], secondsEach: number): boolean {
  const spare = plans.filter((plan) => plan.spare).length;
  const affordable = spare * secondsEach <= spareSeconds;
  if (spare > 0 && !affordable)
    report(`only one seed, since a curve takes ${Math.round(secondsEach)} s (--seeds 3 trains three)`);
  return affordable;
}

/** The backend, the images, and the folder of runs that a warm start may name. */
interface Source {
  backend: ActiveBackend;
  dataset: Dataset;
  runs: string;
}

/** Model and optimizer as a run of the config starts with them. */
function prepared(config: ExperimentConfig, { backend, dataset, runs }: Source): Training {
  const training = prepareTraining(config, dataset, backend);
  if (config.init) warmStart(config.init, training.model, runs);
  return training;
}

type Ends = (CurveSummary['seeds'][number] & { curve: number })[];

async function testOne(
  { curve, config, momentum: given }: Plan,
  options: Omit<RangeTestOptions, 'momentum'>,
  source: Source,
  progress: FinderProgress,
  number: string,
  onRow: (row: FinderRow) => void,
): Promise<Ends[number]> {
  const training = prepared(config, source);
  const { seed, batch_size } = config;
  const momentum = given ?? training.schedule(0).momentum;
  const weight_decay = config.optimizer.weight_decay as number;
  progress.start(`${number}: momentum ${momentum}, weight decay ${weight_decay}, batch ${batch_size}, seed ${seed}`);
  const subject = { ...training, validationBatches: shuffledValidation(config, source.dataset) };
  const updates = rangeTest(subject, { ...options, momentum });
  for (let iterations = 0; ; iterations++) {
    const { value, done } = await updates.next();
    if (done) {
      disposeTraining(training);
      progress.end(`${value} after ${iterations} updates`);
      return { curve, seed, status: value, iterations };
    }
    onRow({ curve, momentum, weight_decay, batch_size, seed, ...value });
  }
}

/** Validation batches in random order: image folders have class after class, and a batch of one class says little. */
function shuffledValidation(config: ExperimentConfig, dataset: Dataset): (round: number) => Iterable<Batch> {
  const { imageShape, train, validation: split } = dataset;
  const unaugmented = { augmentation: augmentationSchema.parse({}), dropLast: false };
  const common = {
    split,
    imageShape,
    ...unaugmented,
    normalisation: normalisations[config.normalisation](train, imageShape),
  };
  return (epoch) => epochBatches({ ...common, batchSize: config.batch_size, seed: config.seed, epoch });
}

function summariseCurves(
  rows: FinderRow[],
  ends: Ends,
  classes: number,
  { smooth, iterations }: Settings,
  scheduleWith: (maxLr: number) => LrOptions,
): CurveSummary[] {
  return groupCurves(rows, smooth).map((group) => {
    const { curve, momentum, weight_decay, batch_size } = group;
    const seeds = ends.filter((end) => end.curve === curve).map(({ curve: _, ...end }) => end);
    const suggestions = suggest(group, classes, iterations).map((s) =>
      'reason' in s ? s : { ...s, schedule: scheduleWith(s.max_lr) },
    );
    return { curve, momentum, weight_decay, batch_size, seeds, suggestions };
  });
}

const lrKeys = ['base_lr', 'max_lr', 'min_lr', 'warmup_from', 'lr'] as const;
type LrOptions = { phases?: { lr: number | number[] }[] } & Partial<Record<(typeof lrKeys)[number], number>>;

/**
 * The options that scale the config's own schedule, whose highest LR is `highest`, to this maximum; to two digits, more
 * than the test can resolve. That LR need not be `max_lr`: keras-one-cycle has another peak, and a momentum may scale
 * the LR.
 */
export function scheduleOf(own: ExperimentConfig['schedule'], highest: number, max_lr: number): LrOptions {
  const schedule = own as LrOptions;
  const factor = Number(max_lr.toPrecision(2)) / highest;
  const scaled = (lr: number) => Number((lr * factor).toPrecision(2));
  const { phases } = schedule;
  if (phases)
    return {
      phases: phases.map((phase) => ({
        ...phase,
        lr: Array.isArray(phase.lr) ? phase.lr.map(scaled) : scaled(phase.lr),
      })),
    };
  const keys = lrKeys.filter((key) => schedule[key]);
  return Object.fromEntries(keys.map((key) => [key, scaled(schedule[key]!)]));
}

/** The highest LR of a whole run of the config. */
export function highestLr(config: ExperimentConfig, trainingImages: number): number {
  const length = runLength(config, trainingImages);
  const schedule = schedules.create(config.schedule, length);
  let highest = 0;
  for (let iteration = 0; iteration < length.iterations; iteration++)
    highest = Math.max(highest, schedule(iteration).lr);
  return highest;
}
