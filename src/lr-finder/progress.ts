import { SingleBar } from 'cli-progress';
import { interactive } from '../terminal/progress.js';
import type { RangeTestRow } from './range-test.js';

/** Tells the user on stderr how the test goes: a bar on a terminal, elsewhere a line each tenth of a curve. */
export interface FinderProgress {
  /** A new curve begins; `label` says which. */
  start(label: string): void;
  iteration(row: RangeTestRow): void;
  /** What came of the curve. */
  end(message: string): void;
  stop(): void;
}

/** `iterations`: of each curve. */
export function finderProgress(iterations: number): FinderProgress {
  return interactive() ? bar(iterations) : lines(iterations);
}

const print = (text: string) => void process.stderr.write(`${text}\n`);

function lines(iterations: number): FinderProgress {
  const every = Math.max(1, Math.round(iterations / 10));
  return {
    start: print,
    iteration(row) {
      const done = row.iteration + 1;
      if (done % every === 0 || done === iterations) print(`  ${done}/${iterations}  ${describe(row)}`);
    },
    end: (message) => print(`  ${message}`),
    stop() {},
  };
}

function bar(iterations: number): FinderProgress {
  const format = '{bar} {value}/{total} | ETA {eta_formatted} | {row}';
  const options = { format, stream: process.stderr, clearOnComplete: true, hideCursor: true, barsize: 24 };
  let current: SingleBar | undefined;
  return {
    start(label) {
      print(label);
      current = new SingleBar(options);
      current.start(iterations, 0, { row: '' });
    },
    iteration: (row) => current?.update(row.iteration + 1, { row: describe(row) }),
    end(message) {
      current?.stop();
      print(`  ${message}`);
    },
    stop: () => current?.stop(),
  };
}

function describe({ lr, loss, smoothed, val_acc }: RangeTestRow): string {
  const accuracy = Number.isNaN(val_acc) ? [] : [`val acc ${val_acc.toFixed(1)}%`];
  return [`LR ${lr.toPrecision(3)}`, `loss ${loss.toFixed(4)}`, `smoothed ${smoothed.toFixed(4)}`, ...accuracy].join(
    '  ',
  );
}
