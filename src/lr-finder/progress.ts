import type { SingleBar } from 'cli-progress';
import { progress } from '../terminal/progress.js';
import type { RangeTestRow } from './range-test.js';

/** Shows on stderr how the test is going: a bar on a terminal, elsewhere a line per tenth of a curve. */
export interface FinderProgress {
  /** A new curve begins; `label` says which. */
  start(label: string): void;
  iteration(row: RangeTestRow): void;
  /** How the curve ended. */
  end(message: string): void;
  stop(): void;
}

/** `iterations`: updates of each curve. */
export function finderProgress(iterations: number): FinderProgress {
  const shown = progress(({ row }, { value, total, eta }) => [
    { text: `${value}/${total}`, rank: 0 },
    { text: eta && `ETA ${eta}`, rank: 2 },
    { text: row!, rank: 1 },
  ]);
  const every = Math.max(1, Math.round(iterations / 10));
  let bar: SingleBar | undefined;
  return {
    start(label) {
      shown.line(label);
      bar = shown.bar(iterations, 0, { row: '' });
    },
    iteration(row) {
      const done = row.iteration + 1;
      bar?.update(done, { row: describe(row) });
      if (!shown.interactive && (done % every === 0 || done === iterations))
        shown.line(`  ${done}/${iterations}  ${describe(row)}`);
    },
    end(message) {
      shown.remove(bar);
      shown.line(`  ${message}`);
    },
    stop: shown.stop,
  };
}

function describe({ lr, loss, smoothed, val_acc }: RangeTestRow): string {
  const accuracy = Number.isNaN(val_acc) ? [] : [`val acc ${val_acc.toFixed(1)}%`];
  return [`LR ${lr.toPrecision(3)}`, `loss ${loss.toFixed(4)}`, `smoothed ${smoothed.toFixed(4)}`, ...accuracy].join(
    '  ',
  );
}
