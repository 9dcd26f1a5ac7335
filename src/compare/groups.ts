import { isDeepStrictEqual } from 'node:util';
import { ClrError } from '../errors.js';
import { didYouMean } from '../registry.js';
import type { Run, Setting } from '../runs/read-runs.js';
import { isDone } from '../runs/sweep-manifest.js';
import { printable } from '../system/printable.js';

/** The runs of one config, which differ only in the seed and the keys in `varies`. Each seed counts once. */
export interface Group {
  /** The config's name; if several share it, with the settings that distinguish them. */
  label: string;
  name: string;
  settings: Record<string, Setting>;
  /** One per seed, one that is done if there is any; seeds ascending. */
  runs: Run[];
  /** Further runs of the same seed, which add no information. */
  repeats: Run[];
}

/** Groups in the order of their first run. */
export function groupRuns(runs: readonly Run[]): Group[] {
  const byConfig = new Map<string, Run[]>();
  for (const run of runs) {
    const settings = Object.entries(ownSettings(run)).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify([run.name, run.varies, settings]);
    const same = byConfig.get(key);
    if (same) same.push(run);
    else byConfig.set(key, [run]);
  }
  const groups = [...byConfig.values()].map(group);
  for (const name of new Set(groups.map((g) => g.name))) distinguish(groups.filter((g) => g.name === name));
  return groups;
}

function group(runs: Run[]): Group {
  const bySeed = new Map<number, Run>();
  const repeats: Run[] = [];
  const doneFirst = [...runs].sort((a, b) => Number(isDone(b)) - Number(isDone(a)));
  for (const run of doneFirst) {
    if (bySeed.has(run.seed)) repeats.push(run);
    else bySeed.set(run.seed, run);
  }
  const { name } = runs[0]!;
  const settings = ownSettings(runs[0]!);
  return { label: name, name, settings, runs: [...bySeed.values()].sort((a, b) => a.seed - b.seed), repeats };
}

/** Settings without the keys that vary between repetitions. */
function ownSettings({ settings, varies }: Run): Record<string, Setting> {
  const varied = (key: string) => varies.some((other) => key === other || key.startsWith(`${other}.`));
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !varied(key)));
}

function distinguish(namesakes: Group[]): void {
  const keys = differingSettings(namesakes);
  if (keys.length === 0) return;
  const own = namesakes.map(({ settings }) =>
    keys.flatMap((key) => (settings[key] === undefined ? [] : `${key}=${settings[key]}`)).join(', '),
  );
  const short = own.every((text) => text.length <= 40); // else the table's columns distinguish them
  namesakes.forEach((g, i) => {
    const distinction = short ? own[i] && ` (${own[i]})` : ` #${i + 1}`; // none: only the others set the key
    g.label = `${g.name}${distinction}`;
  });
}

/** The dotted keys whose values are not the same in all groups (or runs), in the order of the configs. */
export function differingSettings(groups: readonly Pick<Group, 'settings'>[]): string[] {
  const keys = new Set(groups.flatMap((g) => Object.keys(g.settings)));
  const first = groups[0]?.settings ?? {};
  return [...keys].filter((key) => groups.some((g) => !isDeepStrictEqual(g.settings[key], first[key])));
}

/** The runs that match every `key=value`; a key is a dotted setting, `name` or `seed`. Throws ClrError('usage'). */
export function filterRuns(runs: readonly Run[], filters: readonly string[]): Run[] {
  return filters.reduce<Run[]>(
    (left, filter) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(filter) ?? [];
      if (key === undefined)
        throw new ClrError('usage', `--filter ${filter}: not of the form key=value`, 'e.g. --filter schedule.max_lr=2');
      const known = [...new Set(['name', 'seed', ...runs.flatMap((run) => Object.keys(run.settings))])];
      if (!known.includes(key))
        throw new ClrError('usage', `--filter ${filter}: no run has the setting "${key}"${didYouMean(key, known)}`);
      const kept = left.filter((run) => String({ ...run.settings, name: run.name, seed: run.seed }[key]) === value);
      if (kept.length > 0) return kept;
      const values = new Set(left.map((run) => ({ ...run.settings, name: run.name, seed: run.seed })[key] ?? 'unset'));
      throw new ClrError(
        'usage',
        `--filter ${filter}: no run matches`,
        `${key} is ${[...values].slice(0, 20).join(', ')}`,
      );
    },
    [...runs],
  );
}

/** Keys that define a separate question: what is trained, on what, for how long. */
const questionKeys = /^(dataset|model)\.|^(epochs|max_iterations)$/;

/**
 * A sweep is one question. Other runs belong together if they train the same net on the same data for the same time.
 */
export function questionOf({ sweep, settings }: Pick<Run, 'sweep' | 'settings'>): string {
  if (sweep) return `sweep ${printable(sweep.manifest.name)}`;
  const named = ['model.type', 'model.depth', 'model.blocks', 'dataset.type', 'epochs'];
  const rest = Object.entries(settings)
    .filter(([key]) => questionKeys.test(key) && !named.includes(key))
    .map(([key, value]) => `${key}=${value}`);
  const main = netDataEpochs(settings);
  return rest.length > 0 ? `${main} (${rest.join(', ')})` : main;
}

/** "resnet 56, cifar10, 12 epochs", as far as these settings say. */
export function netDataEpochs(settings: Record<string, Setting>): string {
  const { 'model.type': type, 'model.depth': depth, 'model.blocks': blocks, 'dataset.type': data, epochs } = settings;
  const net = [type, blocks ?? depth].filter((value) => value !== undefined).join(' ');
  return [net, data, epochs === undefined ? '' : `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`]
    .filter(Boolean)
    .join(', ');
}

/** The runs of each question, in the order of their first run. */
export function byQuestion(runs: readonly Run[]): Run[][] {
  const found = new Map<string, Run[]>();
  for (const run of runs) {
    const key = run.sweep ? run.sweep.directory : questionOf(run);
    found.set(key, [...(found.get(key) ?? []), run]);
  }
  return [...found.values()];
}
