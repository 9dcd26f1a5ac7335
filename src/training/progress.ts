import type { IterationRow, MetricsRow } from '../runs/columns.js';
import type { Piece } from '../terminal/fit.js';
import { type Caption, progress } from '../terminal/progress.js';

/** Shows the progress of a run on stderr: a line per epoch and, on a terminal, a bar below. */
export interface TrainingProgress {
  message(text: string): void;
  iteration(row: IterationRow, imagesPerSecond: number): void;
  epoch(row: MetricsRow): void;
  stop(): void;
}

const caption: Caption = ({ epoch, loss, accuracy, lr, momentum, speed }, { value, total, eta }) => [
  { text: `${Math.floor((100 * value) / total)}%`, rank: 0 },
  { text: `epoch ${epoch}`, rank: 0 },
  { text: eta && `ETA ${eta}`, rank: 1 },
  { text: `loss ${loss}`, rank: 2 },
  { text: `acc ${accuracy}`, rank: 3 },
  { text: `LR ${lr}`, rank: 4 },
  { text: `mom ${momentum}`, rank: 5 },
  { text: `${speed} img/s`, rank: 6 },
];

/** `start`: iterations already done. */
export function trainingProgress(total: { iterations: number; epochs: number }, start: number): TrainingProgress {
  const epochs = Math.ceil(total.epochs);
  const names = ['epoch', 'loss', 'accuracy', 'lr', 'momentum', 'speed'];
  const shown = progress(caption);
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

/** Each number with its label; 80 columns hold losses, accuracies and LR. */
export function epochLine(row: MetricsRow, epochs: number): Piece[] {
  return [
    { text: `epoch ${String(row.epoch).padStart(String(epochs).length)}/${epochs}`, rank: 0 },
    { text: `train loss ${row.train_loss.toFixed(3)} acc ${row.train_acc.toFixed(2)}%`, rank: 2 },
    { text: `val loss ${row.val_loss.toFixed(3)} acc ${row.val_acc.toFixed(2)}%`, rank: 0 },
    { text: `LR ${row.lr.toPrecision(3)}`, rank: 3 },
    { text: `momentum ${row.momentum.toFixed(3)}`, rank: 4 },
    { text: `${row.images_per_second.toFixed(0)} img/s`, rank: 5 },
    { text: `${row.seconds.toFixed(1)} s`, rank: 6 },
  ];
}
