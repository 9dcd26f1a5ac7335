import type { IterationRow, MetricsRow } from '../runs/columns.js';
import { progress } from '../terminal/progress.js';

/** Shows on stderr how a run is going: a line each epoch, on a terminal with a bar below. */
export interface TrainingProgress {
  message(text: string): void;
  iteration(row: IterationRow, imagesPerSecond: number): void;
  epoch(row: MetricsRow): void;
  stop(): void;
}

const format =
  '{bar} {percentage}% | epoch {epoch} | ETA {eta_formatted} | loss {loss} | acc {accuracy} | LR {lr} | mom {momentum} | {speed} img/s';

/** `start`: iterations done before. */
export function trainingProgress(total: { iterations: number; epochs: number }, start: number): TrainingProgress {
  const epochs = Math.ceil(total.epochs);
  const names = ['epoch', 'loss', 'accuracy', 'lr', 'momentum', 'speed'];
  const shown = progress(format);
  const bar = shown.bar(total.iterations, start, Object.fromEntries(names.map((name) => [name, '-'])));
  let smoothed: number | undefined;
  return {
    message: shown.line,
    iteration(row, imagesPerSecond) {
      smoothed = smoothed === undefined ? row.loss : 0.95 * smoothed + 0.05 * row.loss;
      bar?.update(row.iteration + 1, {
        epoch: `${row.epoch}/${epochs}`,
        loss: smoothed.toFixed(3),
        lr: row.lr.toPrecision(3),
        momentum: row.momentum.toFixed(3),
        speed: imagesPerSecond.toFixed(0),
      });
    },
    epoch(row) {
      bar?.update({ accuracy: `${row.val_acc.toFixed(2)}%` });
      shown.line(epochLine(row, epochs));
    },
    stop: shown.stop,
  };
}

function epochLine(row: MetricsRow, epochs: number): string {
  return [
    `epoch ${String(row.epoch).padStart(String(epochs).length)}/${epochs}`,
    `train loss ${row.train_loss.toFixed(4)} acc ${row.train_acc.toFixed(2)}%`,
    `val loss ${row.val_loss.toFixed(4)} acc ${row.val_acc.toFixed(2)}%`,
    `LR ${row.lr.toPrecision(3)}`,
    `momentum ${row.momentum.toFixed(3)}`,
    `${row.images_per_second.toFixed(0)} img/s`,
    `${row.seconds.toFixed(1)} s`,
  ].join('  ');
}
