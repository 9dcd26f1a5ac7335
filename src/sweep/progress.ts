import { readFileSync } from 'node:fs';
import path from 'node:path';
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { duration } from '../terminal/duration.js';
import { interactive } from '../terminal/progress.js';
import { isDone, type SweepRun } from './manifest.js';

/** Tells the user how a sweep goes, on stderr. */
export interface SweepProgress {
  begin(run: SweepRun): void;
  /** `secondsLeft`: of the whole sweep. */
  end(run: SweepRun, secondsLeft: number | undefined): void;
  stop(): void;
}

/** On a terminal a bar for each running job and one for the sweep; elsewhere lines. `epochs`: of each arm. */
export function sweepProgress(
  directory: string,
  runs: readonly SweepRun[],
  epochs: ReadonlyMap<string, number>,
): SweepProgress {
  let done = runs.filter(isDone).length;
  const outcome = (run: SweepRun, left: number | undefined) => {
    if (isDone(run)) done++;
    const remaining = done < runs.length && left !== undefined ? `, about ${duration(left)} left` : '';
    return `${run.status} ${run.directory}${told(directory, run)} (${done} of ${runs.length} done${remaining})`;
  };
  return interactive()
    ? bars(directory, runs.length, () => done, epochs, outcome)
    : {
        begin: (run) => void process.stderr.write(`begin ${run.directory}\n`),
        end: (run, left) => void process.stderr.write(`${outcome(run, left)}\n`),
        stop() {},
      };
}

function bars(
  directory: string,
  total: number,
  done: () => number,
  epochs: ReadonlyMap<string, number>,
  outcome: (run: SweepRun, left: number | undefined) => string,
): SweepProgress {
  const format = '{bar} {value}/{total} {unit}{accuracy} | {name}';
  const multi = new MultiBar(
    { format, stream: process.stderr, clearOnComplete: true, hideCursor: true, barsize: 24 },
    Presets.shades_classic,
  );
  const sweep = multi.create(total, done(), { unit: 'runs', accuracy: '', name: 'all' });
  const running = new Map<string, SingleBar>();
  const look = () => {
    for (const [folder, bar] of running) {
      const last = lastEpoch(path.join(directory, folder));
      if (last) bar.update(last.epoch, { accuracy: `, ${last.accuracy.toFixed(2)} %` });
    }
  };
  const timer = setInterval(look, 1000);
  return {
    begin(run) {
      const payload = { unit: 'epochs', accuracy: '', name: run.directory };
      running.set(run.directory, multi.create(epochs.get(run.arm) ?? 1, 0, payload));
    },
    end(run, left) {
      const bar = running.get(run.directory);
      if (bar) multi.remove(bar);
      running.delete(run.directory);
      multi.log(`${outcome(run, left)}\n`);
      sweep.update(done());
    },
    stop() {
      clearInterval(timer);
      multi.update(); // what was logged last
      multi.stop();
    },
  };
}

/** What a line says of a run beside its state. */
function told(directory: string, run: SweepRun): string {
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
