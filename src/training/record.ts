import { writeRunCharts } from '../charts/run-charts.js';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import type { Variable } from '../models/model.js';
import { packPredictions, predictionsName } from '../runs/predictions.js';
import { settingsOf } from '../runs/read-runs.js';
import { type RunFolder, resumeCommand } from '../runs/run-folder.js';
import { type Summary, withSummary } from '../runs/summary.js';
import { heapIsNearlyFull, outOfMemory } from '../system/heap.js';
import { discardCheckpoint, saveCheckpoint } from './checkpoint.js';
import { predictions } from './evaluate.js';
import { type Position, summarise } from './position.js';
import { type TrainingProgress, trainingProgress } from './progress.js';
import { isGood, type TrainHooks, type Training, train } from './train.js';

export interface Recording {
  config: ExperimentConfig;
  training: Training;
  /** All that a checkpoint holds: weights, statistics, optimizer state. */
  variables: Variable[];
  /** The state of the run; kept up to date. */
  position: Position;
  folder: RunFolder;
  /** The ways that the backend has chosen so far. */
  ways?: (() => Record<string, string>) | undefined;
  /** After this many epochs it ends as `interrupted`, too. */
  untilEpoch?: number | undefined;
  /** When aborted, a checkpoint is written and the run ends as `interrupted`. */
  signal: AbortSignal;
}

/** Weights are proven by a validation. The next loss may show others to be bad, so one more checkpoint is kept. */
type Save = (proven: boolean) => Promise<void>;
type Conclude = (status: Summary['status'], message?: string) => Summary;

/** Trains, writing rows, checkpoints and the summary as it goes; whatever ends it, the summary says so. */
export async function recordTraining(recording: Recording): Promise<Summary> {
  const { config, training, position, folder } = recording;
  const progress = trainingProgress({ iterations: training.stopAfter, epochs: config.epochs }, position.iteration);
  const conclude: Conclude = (status, message) => {
    const summary = summarise(position, status, message);
    folder.writeSummary(summary);
    return summary;
  };
  const concludeError = async (error: Error) => {
    const isDivergence = error instanceof ClrError && error.kind === 'diverged';
    conclude(isDivergence ? 'diverged' : 'failed', error.message);
    if (!isDivergence) return;
    discardCheckpoint(folder.directory, badWeights(position));
    await writeRunCharts(folder.directory);
  };
  const work = () =>
    trainIntoFolder(recording, conclude, progress).catch((error) => {
      throw explained(error, folder.directory, position);
    });
  return withSummary(work, concludeError, progress.message).finally(progress.stop);
}

async function trainIntoFolder(recording: Recording, conclude: Conclude, progress: TrainingProgress): Promise<Summary> {
  const { config, training, variables, position, folder, ways } = recording;
  const save: Save = (proven) => {
    folder.flush();
    if (ways) folder.noteWays(ways());
    return saveCheckpoint(folder.directory, variables, position, config.checkpoint.keep + (proven ? 0 : 1));
  };
  const board = { name: config.name, settings: settingsOf(config) };
  const standing = { ...position, lossScale: training.lossScale !== undefined };
  folder.openTables(standing, config.log.tensorboard ? board : undefined);
  conclude('running');
  if (position.iteration === 0) await save(true); // so that there is one before the first row
  for await (const row of train(training, position, hooks(recording, save, progress))) {
    folder.appendMetrics(row);
    progress.epoch(row);
    conclude('running');
    const ends = position.iteration >= training.stopAfter;
    const due = ends || position.best === position.last || row.epoch % config.checkpoint.every_epochs === 0;
    if (due && Number.isFinite(row.val_loss)) await save(true);
  }
  if (position.iteration >= training.stopAfter && position.sums.images === 0) {
    folder.writeBytes(
      predictionsName,
      packPredictions(await predictions(training.model, training.validationBatches(position.epoch - 1))),
    );
    return conclude('completed', whyStoppedEarly(training));
  }
  await save(false);
  return conclude('interrupted', `stopped after ${position.iteration} iterations`);
}

/** Hooks that write a row for each update, and the checkpoints within an epoch. */
function hooks(
  { config, training, position, folder, untilEpoch, signal }: Recording,
  save: Save,
  progress: TrainingProgress,
): TrainHooks {
  const { every_iterations: every = Number.POSITIVE_INFINITY } = config.checkpoint;
  return {
    untilEpoch,
    signal,
    needsWeights: (iteration) => iteration % every === 0,
    async onIteration(row, settled) {
      folder.appendIteration(row);
      progress.iteration(row, position.sums.images / position.sums.trainSeconds);
      const full = heapIsNearlyFull();
      const due = position.iteration % every === 0 || (full && settled);
      if (due && isGood(row.loss, training)) await save(false);
      if (full) throw outOfMemory(`stopped after ${position.iteration} iterations`);
    },
  };
}

/** What summary.json says about a run that `max_iterations` has ended. */
function whyStoppedEarly({ stopAfter, iterations }: Training): string | undefined {
  return stopAfter < iterations
    ? `stopped by max_iterations after ${stopAfter} of ${iterations} iterations`
    : undefined;
}

/** For a diverged run: the number of updates after which the weights were already bad. */
function badWeights({ iteration, last }: Position): number {
  return last && !Number.isFinite(last.val_loss) ? iteration : iteration - 1; // a training loss precedes its update
}

/** What went wrong, and how to resume. */
function explained(error: unknown, directory: string, { iteration }: Position): ClrError {
  const cause = error as Error;
  if (cause instanceof ClrError && cause.kind === 'diverged') return cause;
  const resume = `then resume with \`${resumeCommand(directory)}\``;
  if (cause instanceof ClrError)
    return new ClrError(cause.kind, cause.message, `${cause.hint ?? 'remove the cause'}; ${resume}`, { cause });
  const memory = cause instanceof RangeError || cause.name === 'RuntimeError'; // WebAssembly's: a failed allocation
  const what = memory ? 'failed, probably out of memory,' : 'failed';
  const remedy = memory ? 'use a smaller batch_size in a new run, or free memory' : 'remove the cause';
  return new ClrError('failed', `${what} at iteration ${iteration}: ${cause.message}`, `${remedy}; ${resume}`, {
    cause,
  });
}
