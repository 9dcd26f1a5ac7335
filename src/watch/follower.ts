import path from 'node:path';
import type { PageEvents, PageRun, StepPoint } from '../page/data.js';
import { findRuns } from '../runs/find-runs.js';
import { FollowedRun } from './followed-run.js';

const looksBetweenSearches = 5; // for new run folders, and for changes of runs that have ended

/** All runs below some folders, followed by polling the sizes of files, which works on network file systems too. */
export class Follower {
  private readonly runs = new Map<string, FollowedRun>();
  private readonly arms = new Map<string, string>(); // label by name and settings
  private looks = 0;

  constructor(private readonly folders: readonly string[]) {
    this.look();
  }

  /** Every run as it stood at the last look. */
  all(): PageRun[] {
    return [...this.runs.values()].map((run) => run.page(this.armOf(run)));
  }

  /** Looks once: new runs, and what was added to the others. */
  look(): { runs: PageRun[]; grown: PageEvents['grown'] } {
    const searches = this.looks++ % looksBetweenSearches === 0;
    const runs = searches ? this.search() : [];
    const known = new Set(runs);
    const grown: PageEvents['grown'] = [];
    for (const run of this.runs.values()) {
      if (known.has(run) || (!searches && run.status !== 'running')) continue;
      const change = run.look();
      if (change?.reset) runs.push(run);
      else if (change) grown.push({ id: run.directory, status: run.status, ...change });
    }
    return { runs: runs.map((run) => run.page(this.armOf(run))), grown };
  }

  /** Undefined: no such run. */
  steps(id: string): StepPoint[] | undefined {
    return this.runs.get(path.resolve(id))?.thinnedSteps();
  }

  private search(): FollowedRun[] {
    const { directories } = findRuns(this.folders);
    return directories.flatMap((directory) => {
      const key = path.resolve(directory);
      if (this.runs.has(key)) return [];
      try {
        const run = new FollowedRun(directory);
        run.look();
        this.runs.set(key, run);
        return [run];
      } catch {
        return []; // no config yet, or not a run's: tried again at the next search
      }
    });
  }

  /** The config's name; of several configs with one name, the later ones are numbered. */
  private armOf({ name, settings }: FollowedRun): string {
    const key = JSON.stringify([name, settings]);
    const taken = [...this.arms.keys()].filter((other) => (JSON.parse(other) as string[])[0] === name).length;
    const label = this.arms.get(key) ?? (taken === 0 ? name : `${name} #${taken + 1}`);
    this.arms.set(key, label);
    return label;
  }
}
