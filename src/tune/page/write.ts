import { existsSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'csv-stringify/sync';
import type { ExperimentConfig } from '../../config/schema.js';
import { document } from '../../page/page.js';
import { readRuns } from '../../runs/read-runs.js';
import { writeJson } from '../../runs/run-folder.js';
import { replaceFile } from '../../system/atomic.js';
import { checkOf } from '../race.js';
import type { TuneRecord } from '../record.js';
import { momentumOf, momentumWords } from '../settings.js';
import { settingsSoFar, tunedConfig } from '../tune.js';
import { type Block, toHtml, toMarkdown } from './blocks.js';
import { pageOf } from './page.js';
import { drawnTests } from './range-tests.js';

/** Writes tuned.json, tune.csv, tune.md with pictures and tune.html, each atomically. `summary` is for the terminal. */
export async function writePages(
  directory: string,
  config: ExperimentConfig,
  record: TuneRecord,
): Promise<{ summary: string }> {
  const settings = settingsSoFar(config, record);
  const tuned = tunedConfig(directory, config, record);
  writeJson(directory, 'tuned.json', tuned);
  replaceFile(path.join(directory, 'tune.csv'), csv(directory));
  const blocks = await pageOf({ directory, config, record, settings, tuned });
  for (const block of blocks) if ('image' in block) replaceFile(path.join(directory, block.image), block.bytes);
  replaceFile(path.join(directory, 'tune.md'), toMarkdown(blocks));
  replaceFile(path.join(directory, 'tune.html'), document(titleOf(blocks), toHtml(blocks)));
  const { max_lr, weight_decay, tail } = settings;
  const chosen = `max LR ${max_lr}, weight decay ${weight_decay}, momentum ${momentumWords(settings)}, tail ${tail} %`;
  const check = checkOf(directory, record);
  const verdicts = check?.rows.flatMap(({ against }) => (against ? [against.sentence] : [])) ?? [];
  return { summary: [chosen, ...verdicts].join('\n') };
}

const titleOf = (blocks: readonly Block[]) =>
  blocks.flatMap((block) => ('heading' in block ? [block.heading] : []))[0]!;

const folders = ['lr', 'momentum', 'wd', 'tail', 'random', 'check'];

/** A line for each range test and each run, with its settings and its result. */
function csv(directory: string): string {
  const tests = drawnTests(path.join(directory, 'range')).map(({ weight_decay, seed, rows, reading }) => ({
    ...{ stage: 'range', arm: `weight decay ${weight_decay}`, seed, status: 'completed', weight_decay },
    ...{ max_lr: reading?.lr, val_acc: reading?.peak, updates: rows.length },
  }));
  const runs = folders
    .map((name) => [name, path.join(directory, name)] as const)
    .filter(([, folder]) => existsSync(path.join(folder, 'sweep.json')))
    .flatMap(([stage, folder]) =>
      readRuns([folder]).runs.map(({ name, seed, status, scores, settings, directory: run }) => ({
        ...{ stage, arm: name, seed, status, epochs: settings.epochs },
        ...{
          max_lr: settings['schedule.max_lr'] ?? settings['schedule.lr'],
          weight_decay: settings['optimizer.weight_decay'],
        },
        momentum: momentumOf({
          momentum: settings['schedule.momentum'] ?? { demon: settings['schedule.momentum.demon'] },
          max_momentum: settings['schedule.max_momentum'],
          min_momentum: settings['schedule.min_momentum'],
        }),
        ...{ tail: settings['schedule.pct'], val_acc: scores?.val_acc, seconds: scores?.seconds },
        folder: path.relative(directory, run),
      })),
    );
  const columns = [
    'stage',
    'arm',
    'seed',
    'status',
    'epochs',
    'updates',
    'max_lr',
    'weight_decay',
    'momentum',
    'tail',
    'val_acc',
    'seconds',
    'folder',
  ];
  return stringify([...tests, ...runs], { header: true, columns });
}
