import { SingleBar } from 'cli-progress';
import type { IterationRow, MetricsRow } from '../runs/columns.js';

/** Tells the user how a run goes, on stderr. */
export interface ProgressReport {
  message(text: string): void;
  iteration(row: IterationRow, imagesPerSecond: number): void;
  epoch(row: MetricsRow): void;
  stop(): void;
}

/** Whether stderr is a terminal to draw bars on; with CI set it is taken for a log. Bars have no colour for NO_COLOR to take. */
export function interactive(): boolean {
  return Boolean(process.stderr.isTTY && !process.env.CI);
}

/** A bar with the line of each epoch above it on a terminal; elsewhere, and with CI set, the lines alone. */
export function progressReport(total: { iterations: number; epochs: number }, start: number): ProgressReport {
  return interactive() ? barReport(total, start) : lineReport(total.epochs);
}

function lineReport(epochs: number): ProgressReport {
  return {
    message: (text) => void process.stderr.write(`${text}\n`),
    iteration() {},
    epoch: (row) => void process.stderr.write(`${epochLine(row, epochs)}\n`),
    stop() {},
  };
}

function barReport({ iterations, epochs }: { iterations: number; epochs: number }, start: number): ProgressReport {
  const format =
    '{bar} {percentage}% | epoch {epoch} | ETA {eta_formatted} | loss {loss} | acc {accuracy} | LR {lr} | mom {momentum} | {speed} img/s';
  const bar = new SingleBar({
    format,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 50,
    barsize: 24,
  });
  // At its end the bar would go back to the line that it began on, and write over the lines that stand there by then.
  Object.assign((bar as unknown as { terminal: object }).terminal, { cursorSave() {}, cursorRestore() {} });
  const unknown = '-';
  bar.start(iterations, start, {
    epoch: unknown,
    loss: unknown,
    accuracy: unknown,
    lr: unknown,
    momentum: unknown,
    speed: unknown,
  });
  let smoothed: number | undefined;
  const above = (text: string) => {
    process.stderr.write(`\r\x1b[K${text}\n`);
    bar.render();
  };
  return {
    message: above,
    iteration(row, imagesPerSecond) {
      smoothed = smoothed === undefined ? row.loss : 0.95 * smoothed + 0.05 * row.loss;
      bar.update(row.iteration + 1, {
        epoch: `${row.epoch}/${Math.ceil(epochs)}`,
        loss: smoothed.toFixed(3),
        lr: row.lr.toPrecision(3),
        momentum: row.momentum.toFixed(3),
        speed: imagesPerSecond.toFixed(0),
      });
    },
    epoch(row) {
      bar.update({ accuracy: `${row.val_acc.toFixed(2)}%` });
      above(epochLine(row, epochs));
    },
    stop: () => bar.stop(),
  };
}

function epochLine(row: MetricsRow, epochs: number): string {
  const width = String(Math.ceil(epochs)).length;
  return [
    `epoch ${String(row.epoch).padStart(width)}/${Math.ceil(epochs)}`,
    `train loss ${row.train_loss.toFixed(4)} acc ${row.train_acc.toFixed(2)}%`,
    `val loss ${row.val_loss.toFixed(4)} acc ${row.val_acc.toFixed(2)}%`,
    `LR ${row.lr.toPrecision(3)}`,
    `momentum ${row.momentum.toFixed(3)}`,
    `${row.images_per_second.toFixed(0)} img/s`,
    `${row.seconds.toFixed(1)} s`,
  ].join('  ');
}
