import type { SingleBar } from 'cli-progress';
import { isDone, type SweepRun } from '../runs/sweep-manifest.js';
import { duration } from '../terminal/duration.js';
import { type Caption, progress, time } from '../terminal/progress.js';
import { lastRow } from './last-row.js';
import type { Length } from './length.js';

/** Shows the progress of a sweep on stderr. */
export interface SweepProgress {
  begin(run: SweepRun): void;
  end(run: SweepRun): void;
  stop(): void;
}

const caption: Caption = ({ position, accuracy, name, eta }, { value, total }) => [
  { text: position ?? `${Math.floor((100 * value) / total)}%`, rank: 0 },
  { text: accuracy ?? '', rank: 2 },
  { text: eta ?? '', rank: 0 },
  { text: name!, rank: 1 },
];

/**
 * A line per run; on a terminal also a bar per job and one for the sweep. `lengths`: per arm, up to where a run
 * `isAtEnd`.
 */
export function sweepProgress(
  directory: string,
  runs: readonly SweepRun[],
  lengths: ReadonlyMap<string, Length>,
  isAtEnd: (run: SweepRun) => boolean,
): SweepProgress {
  const shown = progress(caption);
  const known = new Map(runs.map((run) => [run.directory, run]));
  const weight = ({ arm }: SweepRun) => lengths.get(arm)!.iterations ?? lengths.get(arm)!.epochs;
  const share = (run: SweepRun) =>
    run.status === 'pending' ? 0 : isAtEnd(run) ? 1 : shareDone(directory, run, lengths.get(run.arm)!);
  const total = runs.reduce((sum, run) => sum + weight(run), 0);
  const soFar = () => [...known.values()].reduce((sum, run) => sum + share(run) * weight(run), 0);
  const [begun, before] = [Date.now(), soFar()];
  const left = (done: number) => secondsLeft((Date.now() - begun) / 1000, done - before, total - done);
  const counts = () => `${[...known.values()].filter(isAtEnd).length} of ${runs.length} runs`;
  const all = shown.bar(total, before, { name: counts() });
  const jobs = new Map<string, SingleBar | undefined>();
  const redraw = () => {
    for (const [folder, bar] of jobs) showRun(bar, directory, known.get(folder)!, share, lengths);
    const done = soFar();
    const seconds = left(done);
    all?.update(done, { name: counts(), ...(seconds !== undefined && { eta: `ETA ${time(seconds)}` }) });
  };
  const timer = shown.interactive ? setInterval(redraw, 1000) : undefined;
  return {
    begin(run) {
      if (!shown.interactive) shown.line(`start ${run.directory}`);
      known.set(run.directory, { ...run, status: 'running' });
      jobs.set(run.directory, shown.bar(1, share(run), { position: 'starting', name: run.directory }));
    },
    end(run) {
      shown.remove(jobs.get(run.directory));
      jobs.delete(run.directory);
      known.set(run.directory, run);
      const seconds = left(soFar());
      const rest = seconds ? `, about ${duration(seconds)} left` : '';
      const paused = isAtEnd(run) && !isDone(run);
      const status = paused ? `epoch ${lengths.get(run.arm)!.epochs} of` : run.status;
      const result = outcome(directory, paused ? { ...run, status: 'completed' } : run);
      shown.line(`${status} ${run.directory}${result} (${counts()} done${rest})`);
    },
    stop() {
      clearInterval(timer);
      shown.stop();
    },
  };
}

/** Remaining time at the speed so far; undefined if nothing has been done yet. */
function secondsLeft(seconds: number, done: number, left: number): number | undefined {
  return done > 0 ? (seconds * left) / done : undefined;
}

/** The share of an unfinished run that is done. */
function shareDone(directory: string, run: SweepRun, { epochs, iterations }: Length): number {
  if (iterations === undefined) return Math.min(1, (lastRow(directory, run, 'metrics.csv')?.epoch ?? 0) / epochs);
  const last = lastRow(directory, run, 'iterations.csv');
  return last ? Math.min(1, (last.iteration! + 1) / iterations) : 0;
}

function showRun(
  bar: SingleBar | undefined,
  directory: string,
  run: SweepRun,
  share: (run: SweepRun) => number,
  lengths: ReadonlyMap<string, Length>,
): void {
  const epoch = lastRow(directory, run, 'iterations.csv')?.epoch;
  const accuracy = lastRow(directory, run, 'metrics.csv')?.val_acc;
  bar?.update(share(run), {
    ...(epoch !== undefined && { position: `epoch ${epoch}/${lengths.get(run.arm)!.epochs}` }),
    ...(accuracy !== undefined && { accuracy: `acc ${accuracy.toFixed(2)}%` }),
  });
}

/** The accuracy of a completed run, or the reason why it ended. */
function outcome(directory: string, run: SweepRun): string {
  if (run.status !== 'completed') return run.message ? `: ${run.message.replace(/^diverged: /, '')}` : '';
  const accuracy = lastRow(directory, run, 'metrics.csv')?.val_acc;
  return accuracy === undefined ? '' : `: val_acc ${accuracy.toFixed(2)} %`;
}
