import { statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { EpochPoint, PageRun, StepPoint } from '../page/data.js';
import { thinnedSteps } from '../page/thinned-steps.js';
import { type IterationRow, iterationColumns, metricsColumns } from '../runs/columns.js';
import { readJsonAs } from '../runs/read-run.js';
import { settingsOf } from '../runs/read-runs.js';
import { type RunStatus, runStatus } from '../runs/status.js';
import { printable } from '../system/printable.js';
import { TableTail } from './table-tail.js';

const text = z.string().transform((value) => printable(value).slice(0, 100));
const configSchema = z.looseObject({ name: text, seed: z.number() });

const maxSteps = 1000; // points of one run's charts over iterations

/** One run folder, whose files are read further as they grow. */
export class FollowedRun {
  readonly name: string;
  readonly seed: number;
  /** Equal for the runs of one arm: everything that distinguishes a config. */
  readonly settings: string;
  status: RunStatus = 'running';
  epochs: EpochPoint[] = [];
  private readonly metrics: TableTail<keyof typeof metricsColumns>;
  private readonly iterations: TableTail<keyof typeof iterationColumns>;
  private steps: IterationRow[] = [];
  private iterationBytes = -1;

  /** Throws ClrError('data') if there is no readable config.json. */
  constructor(readonly directory: string) {
    const config = readJsonAs(configSchema, directory, 'config.json');
    this.name = config.name;
    this.seed = config.seed;
    this.settings = JSON.stringify(Object.entries(settingsOf(config)).sort());
    this.metrics = new TableTail(path.join(directory, 'metrics.csv'), metricsColumns);
    this.iterations = new TableTail(path.join(directory, 'iterations.csv'), iterationColumns);
  }

  /** What has changed since the last look; undefined: nothing. `reset`: earlier rows are gone. */
  look(): { epochs: EpochPoint[]; steps: boolean; reset: boolean } | undefined {
    const before = this.status;
    this.status = runStatus(this.directory);
    const { rows, reset } = this.metrics.read();
    const added = rows.map(epochPoint);
    this.epochs = reset ? added : [...this.epochs, ...added];
    const bytes = sizeOf(path.join(this.directory, 'iterations.csv'));
    const steps = bytes !== this.iterationBytes;
    this.iterationBytes = bytes;
    if (!reset && !steps && added.length === 0 && this.status === before) return undefined;
    return { epochs: added, steps, reset };
  }

  /** At most as many rows of iterations.csv as a chart has room for, with extremes kept. */
  thinnedSteps(): StepPoint[] {
    const { rows, reset } = this.iterations.read();
    this.steps = reset ? rows : [...this.steps, ...rows];
    return thinnedSteps(this.steps, maxSteps);
  }

  /** `arm`: its label on the page. */
  page(arm: string): PageRun {
    const { directory, seed, status, epochs } = this;
    return { id: directory, directory: printable(directory), arm, seed, status, epochs };
  }
}

function epochPoint(row: Record<keyof typeof metricsColumns, number>): EpochPoint {
  const { epoch, train_loss, train_acc, val_loss, val_acc } = row;
  return {
    epoch,
    train_loss: finite(train_loss),
    train_acc: finite(train_acc),
    val_loss: finite(val_loss),
    val_acc: finite(val_acc),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
