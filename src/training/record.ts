import { writeRunCharts } from '../charts/run-charts.js';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import type { Variable } from '../models/model.js';
import { type RunFolder, resumeCommand } from '../runs/run-folder.js';
import type { Summary } from '../runs/summary.js';
import { heapIsNearlyFull, outOfMemory } from '../system/heap.js';
import { progressReport } from '../terminal/progress.js';
import { discardCheckpoint, saveCheckpoint } from './checkpoint.js';
import { type Position, summarise } from './position.js';
import { isGood, type Training, train } from './train.js';

export interface Recording {
  config: ExperimentConfig;
  training: Training;
  /** All that a checkpoint holds: weights, statistics, optimizer state. */
  variables: Variable[];
  /** Where to begin; kept up to date. */
  position: Position;
  folder: RunFolder;
  /** Aborted: a checkpoint is written and the run ends as `interrupted`. */
  signal: AbortSignal;
}

/** Trains, writing rows, checkpoints and the summary as it goes; whatever ends it, the summary says so. */
export async function recordTraining(recording: Recording): Promise<Summary> {
  const { config, training, variables, position, folder, signal } = recording;
  const { every_epochs: everyEpochs, every_iterations: everyIterations = Number.POSITIVE_INFINITY } = config.checkpoint;
  const progress = progressReport({ iterations: training.stopAfter, epochs: config.epochs }, position.iteration);
  const save = () => {
    folder.flush();
    return saveCheckpoint(folder.directory, variables, position, config.checkpoint.keep);
  };
  const conclude = (status: Summary['status'], message?: string): Summary => {
    const summary = summarise(position, status, message);
    folder.writeJson('summary.json', summary);
    return summary;
  };
  try {
    folder.openTables(position);
    conclude('running');
    if (position.iteration === 0) await save(); // so that there is one before the first row
    const rows = train(training, position, {
      signal,
      needsWeights: (iteration) => iteration % everyIterations === 0,
      async onIteration(row, settled) {
        folder.appendIteration(row);
        progress.iteration(row, position.sums.images / position.sums.trainSeconds);
        const full = heapIsNearlyFull();
        const due = position.iteration % everyIterations === 0 || (full && settled);
        if (due && isGood(row.loss, training)) await save();
        if (full) throw outOfMemory(`stopped after ${position.iteration} iterations`);
      },
    });
    for await (const row of rows) {
      folder.appendMetrics(row);
      progress.epoch(row);
      conclude('running');
      const ends = position.iteration >= training.stopAfter;
      const due = ends || position.best === position.last || row.epoch % everyEpochs === 0;
      if (due && Number.isFinite(row.val_loss)) await save();
    }
    if (position.iteration >= training.stopAfter && position.sums.images === 0) return conclude('completed');
    await save();
    return conclude('interrupted', `stopped after ${position.iteration} iterations`);
  } catch (error) {
    const failure = explained(error, folder.directory, position);
    const status = failure.kind === 'diverged' ? 'diverged' : 'failed';
    try {
      conclude(status, failure.message);
      if (status === 'diverged') {
        discardCheckpoint(folder.directory, badWeights(position));
        await writeRunCharts(folder.directory);
      }
    } catch (further) {
      progress.message((further as Error).message); // of a full disk, say; what came first is what counts
    }
    throw failure;
  } finally {
    progress.stop();
  }
}

/** Of a diverged run: the number of updates after which the weights were bad already. */
function badWeights({ iteration, last }: Position): number {
  return last && !Number.isFinite(last.val_loss) ? iteration : iteration - 1; // a training loss is that before its update
}

/** What went wrong, and how to go on. */
function explained(error: unknown, directory: string, { iteration }: Position): ClrError {
  const cause = error as Error;
  if (cause instanceof ClrError && cause.kind === 'diverged') return cause;
  const goOn = `then go on with \`${resumeCommand(directory)}\``;
  if (cause instanceof ClrError)
    return new ClrError(cause.kind, cause.message, `${cause.hint ?? 'remedy it'}; ${goOn}`, { cause });
  const memory = cause instanceof RangeError || cause.name === 'RuntimeError'; // WebAssembly's: an allocation that failed
  const what = memory ? 'failed, probably out of memory,' : 'failed';
  const remedy = memory ? 'take a smaller batch_size in a new run, or free memory' : 'remedy it';
  return new ClrError('failed', `${what} at iteration ${iteration}: ${cause.message}`, `${remedy}; ${goOn}`, { cause });
}
