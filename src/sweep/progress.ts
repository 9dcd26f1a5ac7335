import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { SingleBar } from 'cli-progress';
import { isDone, type SweepRun } from '../runs/sweep-manifest.js';
import { duration } from '../terminal/duration.js';
import { progress } from '../terminal/progress.js';

/** Shows on stderr how a sweep is going. */
export interface SweepProgress {
  begin(run: SweepRun): void;
  /** `secondsLeft`: of the whole sweep. */
  end(run: SweepRun, secondsLeft: number | undefined): void;
  stop(): void;
}

/** A line for each run; on a terminal with a bar for each job and one for the sweep. `epochs`: of each arm. */
export function sweepProgress(
  directory: string,
  runs: readonly SweepRun[],
  epochs: ReadonlyMap<string, number>,
): SweepProgress {
  const shown = progress('{bar} {value}/{total} {unit}{accuracy} | {name}');
  let done = runs.filter(isDone).length;
  const all = shown.bar(runs.length, done, { unit: 'runs', accuracy: '', name: 'all' });
  const jobs = new Map<string, SingleBar | undefined>();
  const timer = setInterval(() => {
    for (const [folder, bar] of jobs) showEpoch(bar, path.join(directory, folder));
  }, 1000);
  return {
    begin(run) {
      if (!shown.interactive) shown.line(`begin ${run.directory}`);
      const fields = { unit: 'epochs', accuracy: '', name: run.directory };
      jobs.set(run.directory, shown.bar(epochs.get(run.arm) ?? 1, 0, fields));
    },
    end(run, secondsLeft) {
      shown.remove(jobs.get(run.directory));
      jobs.delete(run.directory);
      if (isDone(run)) done++;
      all?.update(done);
      const left = done < runs.length && secondsLeft !== undefined ? `, about ${duration(secondsLeft)} left` : '';
      const counts = `(${done} of ${runs.length} done${left})`;
      shown.line(`${run.status} ${run.directory}${outcome(directory, run)} ${counts}`);
    },
    stop() {
      clearInterval(timer);
      shown.stop();
    },
  };
}

function showEpoch(bar: SingleBar | undefined, folder: string): void {
  const last = bar && lastEpoch(folder);
  if (last) bar.update(last.epoch, { accuracy: `, ${last.accuracy.toFixed(2)} %` });
}

/** The accuracy that a run reached, or why it ended. */
function outcome(directory: string, run: SweepRun): string {
  if (run.status !== 'completed') return run.message ? `: ${run.message.replace(/^diverged: /, '')}` : '';
  const last = lastEpoch(path.join(directory, run.directory));
  return last ? `: val_acc ${last.accuracy.toFixed(2)} %` : '';
}

/** From the last whole line of metrics.csv; its columns are known by its header. */
function lastEpoch(folder: string): { epoch: number; accuracy: number } | undefined {
  try {
    const lines = readFileSync(path.join(folder, 'metrics.csv'), 'utf8').split('\n').slice(0, -1);
    if (lines.length < 2) return undefined;
    const cells = lines.at(-1)!.split(',');
    const at = (name: string) => Number(cells[lines[0]!.split(',').indexOf(name)]);
    return { epoch: at('epoch'), accuracy: at('val_acc') };
  } catch {
    return undefined; // not begun
  }
}
